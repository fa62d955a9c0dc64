"""The segments of segmentations and label map volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.numbering import Numbering
from spine_ctmr.imaging.slicer_segments import meanings_of
from spine_ctmr.imaging.vertebra_names import vertebra_number

from .numbering import numbering_of
from .vertebra_table import SegmentInfo
from .whole_labels import whole_labels

BINARY_LABELMAP, CLOSED_SURFACE = "Binary labelmap", "Closed surface"
LARGEST_LABEL = 10_000
CHUNK_VOXELS = 1 << 20
_LABELS: dict[str, tuple[int, list[int], str]] = {}
"""Time of change, labels and what is wrong with them, of images by their address: a slider must not search
200 million voxels anew."""
VERTEBRA = "SpineCTMRRegistration.Vertebra"
"""Tag of a segment and attribute of a transform: the vertebra's name."""


@dataclass(frozen=True)
class Look:
    """What a segment is called, its colour (RGB from 0 to 1), and which vertebra it is."""

    vertebra: str
    name: str
    color: tuple[float, float, float]


def segments_of(node: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode) -> list[SegmentInfo]:
    """The segments of a segmentation or the labels of a label map volume.

    Labels are called as in the volume's colour table if that names a vertebra, else by their number, and are
    what the volume's numbering says.
    """
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        return _labels_of(node)
    segmentation = node.GetSegmentation()
    return [_segment_info(key, segmentation.GetSegment(key)) for key in _segment_ids(segmentation)]


def segmentation_from(
    labels: slicer.vtkMRMLLabelMapVolumeNode, looks: Mapping[str, Look]
) -> slicer.vtkSegmentation:
    """A segmentation of VerSe numbers: a segment for each of `looks`, with the vertebra's name as id."""
    image = slicer.vtkSlicerSegmentationsModuleLogic.CreateOrientedImageDataFromVolumeNode(labels)
    segmentation = slicer.vtkSegmentation()
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
    for vertebra, look in looks.items():
        segmentation.AddSegment(_segment(look, image, vertebra_number(vertebra) or 0), vertebra)
    image.UnRegister(None)  # the caller owns what the logic made
    return segmentation


def bone_segment(look: Look, image: slicer.vtkOrientedImageData) -> slicer.vtkSegment:
    """A segment with its label map (1 in bone) and the smooth closed surface around it."""
    segment = _segment(look, image, 1)
    alone = slicer.vtkSegmentation()
    alone.SetSourceRepresentationName(BINARY_LABELMAP)
    alone.AddSegment(segment, look.vertebra)
    alone.CreateRepresentation(CLOSED_SURFACE)
    return segment


def replace_vertebrae(node: slicer.vtkMRMLSegmentationNode, vertebrae: slicer.vtkSegmentation) -> None:
    """Put vertebrae into a segmentation node instead of those of an earlier run; other segments stay.

    The node keeps its `vtkSegmentation`, so that everybody who follows it hears of each segment that goes
    and comes; which vertebrae are visible is kept too. Ask `would_lose_segments` first.
    """
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    earlier = [key for key in _segment_ids(segmentation) if vertebra_of(segmentation.GetSegment(key))]
    hidden = {key for key in earlier if display is not None and not display.GetSegmentVisibility(key)}
    for key in earlier:
        segmentation.RemoveSegment(key)
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
    for key in _segment_ids(vertebrae):
        free = key if segmentation.GetSegment(key) is None else segmentation.GenerateUniqueSegmentID(key)
        segmentation.AddSegment(vertebrae.GetSegment(key), free)
        if key in hidden:
            display.SetSegmentVisibility(free, False)


def would_lose_segments(node: slicer.vtkMRMLSegmentationNode) -> bool:
    """Whether `replace_vertebrae` would delete segments that no run has made: they are no label maps."""
    segmentation = node.GetSegmentation()
    others = [key for key in _segment_ids(segmentation) if not vertebra_of(segmentation.GetSegment(key))]
    return bool(others) and segmentation.GetSourceRepresentationName() != BINARY_LABELMAP


def vertebra_of(segment: slicer.vtkSegment) -> str:
    """Which vertebra a segment of a result is; "" for a segment that no run has made."""
    name = vtk.mutable("")
    return str(name) if segment.GetTag(VERTEBRA, name) else ""


def _segment_ids(segmentation: slicer.vtkSegmentation) -> list[str]:
    return [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]


def _segment(look: Look, image: slicer.vtkOrientedImageData, value: int) -> slicer.vtkSegment:
    segment = slicer.vtkSegment()
    segment.SetName(look.name)
    segment.SetColor(*look.color)
    segment.SetTag(VERTEBRA, look.vertebra)
    segment.SetLabelValue(value)
    segment.AddRepresentation(BINARY_LABELMAP, image)
    return segment


def label_values(node: slicer.vtkMRMLLabelMapVolumeNode) -> list[int]:
    """The labels in a label map volume, ascending, without the background; none if `no_labels` says why."""
    return _looked_up(node)[1]


def no_labels(node: slicer.vtkMRMLNode | None) -> str:
    """Why the voxels of a label map volume are no labels, in one sentence; "" if they are."""
    if node is None or not node.IsA("vtkMRMLLabelMapVolumeNode") or node.GetImageData() is None:
        return ""
    return _looked_up(node)[2]


def _looked_up(node: slicer.vtkMRMLLabelMapVolumeNode) -> tuple[int, list[int], str]:
    image = node.GetImageData()
    address, changed = image.GetAddressAsString(""), image.GetMTime()
    if address not in _LABELS or _LABELS[address][0] != changed:
        try:
            _LABELS[address] = changed, _labels_in(whole_labels(node).ravel()), ""
        except InputError as error:
            _LABELS[address] = changed, [], str(error)
    return _LABELS[address]


def _labels_in(voxels: NDArray[Any]) -> list[int]:
    seen = np.zeros(LARGEST_LABEL + 2, bool)
    for start in range(0, voxels.size, CHUNK_VOXELS):
        chunk = voxels[start : start + CHUNK_VOXELS]
        seen[np.minimum(chunk[chunk > 0].astype(np.int64), LARGEST_LABEL + 1)] = True
    return np.flatnonzero(seen[: LARGEST_LABEL + 1]).tolist()


def _segment_info(segment_id: str, segment: slicer.vtkSegment) -> SegmentInfo:
    entry = vtk.mutable("")
    segment.GetTag("TerminologyEntry", entry)
    return SegmentInfo(segment_id, segment.GetName(), meanings_of(str(entry)), tuple(segment.GetColor()))


def numbering_in(node: slicer.vtkMRMLNode | None) -> Numbering | None:
    """The numbering of a label map volume whose labels have no names; None for anything else."""
    if node is None or not node.IsA("vtkMRMLLabelMapVolumeNode") or node.GetImageData() is None:
        return None
    labels = label_values(node)
    if not labels or any(vertebra_number(name) for name in _table_names(node, labels).values()):
        return None
    return numbering_of(node, labels)


def _labels_of(node: slicer.vtkMRMLLabelMapVolumeNode) -> list[SegmentInfo]:
    if node.GetImageData() is None:
        return []
    labels, numbering = label_values(node), numbering_in(node)
    table = _color_table(node)
    if numbering is None:
        names = {n: name or str(n) for n, name in _table_names(node, labels).items()}
        return [SegmentInfo(str(n), names[n], color=_table_color(table, n)) for n in labels]
    return [
        SegmentInfo(str(n), str(n), color=_table_color(table, n), number=numbering.levels.get(n, 0))
        for n in labels
    ]


def _color_table(node: slicer.vtkMRMLLabelMapVolumeNode) -> slicer.vtkMRMLColorNode | None:
    display = node.GetDisplayNode()
    return display.GetColorNode() if display is not None else None


def _table_names(node: slicer.vtkMRMLLabelMapVolumeNode, labels: list[int]) -> dict[int, str]:
    """What the colour table calls each label; "" where it does not, or only by the number."""
    table = _color_table(node)
    names = {n: (table and table.GetColorName(n)) or "" for n in labels}
    return {n: "" if name.strip() == str(n) else name for n, name in names.items()}


def _table_color(table: slicer.vtkMRMLColorNode | None, label: int) -> tuple[float, float, float]:
    color = [0.5, 0.5, 0.5, 1.0]
    if table is not None:
        table.GetColor(label, color)
    return color[0], color[1], color[2]
