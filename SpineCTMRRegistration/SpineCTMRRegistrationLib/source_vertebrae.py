"""The vertebrae of the CT as they are when a registration starts; to edit them later changes nothing here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import slicer
from numpy.typing import NDArray

from .label_images import label_image, move_image, oriented_image
from .segments import segments_of
from .vertebra_table import SegmentRow, segment_rows

if TYPE_CHECKING:
    from .scene import Placement


@dataclass(frozen=True)
class SourceVertebrae:
    """Copies of what was registered.

    Attributes:
        rows: the segments and what each was read as.
        labels: a segmentation outside the scene, or the voxels of a label map volume in RAS mm of the world.
        to_world: the segmentation's parent transform (4, 4), RAS mm.
        ct_grid: matrix from voxels to RAS mm of the world (4, 4) and voxels along i, j, k of the CT; None
            for a CT without voxels.
    """

    rows: Sequence[SegmentRow]
    labels: slicer.vtkMRMLSegmentationNode | slicer.vtkOrientedImageData
    to_world: NDArray[Any]
    ct_grid: tuple[NDArray[Any], tuple[int, int, int]] | None

    def bones(
        self, vertebrae: Collection[str]
    ) -> Iterator[tuple[str, SegmentRow, slicer.vtkOrientedImageData]]:
        """Name, row and image (1 in bone, RAS mm of the world) of each of these that has a label map."""
        for row in self.rows:
            if row.vertebra is None or row.vertebra not in vertebrae:
                continue
            if not self.labels.IsA("vtkMRMLSegmentationNode"):
                yield row.vertebra, row, label_image(self.labels, int(row.segment_id))
                continue
            image = slicer.vtkOrientedImageData()
            if not self.labels.GetBinaryLabelmapRepresentation(row.segment_id, image):
                return
            move_image(image, self.to_world)
            yield row.vertebra, row, label_image(image, None)


def source_vertebrae(
    ct: slicer.vtkMRMLScalarVolumeNode,
    vertebrae: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode,
    placement: Placement,
    overrides: Mapping[str, str] | None = None,
) -> SourceVertebrae:
    """Copy the vertebrae as they are now.

    Args:
        ct: that they were segmented in.
        vertebrae: of the CT.
        placement: of both, now.
        overrides: vertebra name by segment id (see `segment_rows`).
    """
    grid = None
    if ct.GetImageData() is not None:
        grid = placement.ct_to_world @ placement.ct_ijk_to_ras, ct.GetImageData().GetDimensions()
    rows, to_world = segment_rows(segments_of(vertebrae), overrides), placement.vertebrae_to_world
    return SourceVertebrae(rows, _copy(vertebrae, to_world), to_world, grid)


def _copy(
    node: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode, to_world: NDArray[Any]
) -> slicer.vtkMRMLSegmentationNode | slicer.vtkOrientedImageData:
    if node.IsA("vtkMRMLSegmentationNode"):
        copy, segmentation = slicer.vtkMRMLSegmentationNode(), slicer.vtkSegmentation()
        segmentation.DeepCopy(node.GetSegmentation())
        copy.SetAndObserveSegmentation(segmentation)
        return copy
    image = slicer.vtkOrientedImageData()
    if node.GetImageData() is not None:
        image.DeepCopy(oriented_image(node, to_world))
    return image
