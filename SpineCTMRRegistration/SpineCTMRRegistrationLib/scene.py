"""From nodes to files: the inputs of a registration, written for the command.

Everything is written in world coordinates: linear parent transforms are applied to what is written,
never to the nodes. RAS ends here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.vertebra_names import vertebra_number
from vtk.util.numpy_support import numpy_to_vtk

from .nodes import matrix_to_world, volume_in_world
from .request import InputFiles
from .segments import BINARY_LABELMAP, LARGEST_LABEL, segments_of
from .vertebra_table import segment_rows
from .whole_labels import whole_labels

__all__ = [
    "InputNodes",
    "Placement",
    "file_names",
    "landmark_names",
    "placement_of",
    "segments_of",
    "write_inputs",
]

CT, MR, LANDMARKS = "ct.nrrd", "mr.nrrd", "mr_landmarks.mrk.json"
SEGMENTS, MR_SEGMENTS = "vertebrae", "mr_vertebrae"


@dataclass(frozen=True)
class InputNodes:
    """What the user chose. At most one of `mr_landmarks` and `mr_vertebrae`.

    Attributes:
        ct: scalar volume in HU.
        mr: scalar volume.
        vertebrae: vertebra segmentation of the CT, a segmentation or a label map volume.
        mr_landmarks: point list with named vertebral body centres in the MR.
        mr_vertebrae: vertebra segmentation of the MR, a segmentation or a label map volume.
        overrides: vertebra name by segment id of `vertebrae` (see `segment_rows`).
    """

    ct: slicer.vtkMRMLScalarVolumeNode
    mr: slicer.vtkMRMLScalarVolumeNode
    vertebrae: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode
    mr_landmarks: slicer.vtkMRMLMarkupsNode | None = None
    mr_vertebrae: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Placement:
    """Where inputs are when a run starts; the user may move them while it runs, or afterwards.

    Attributes:
        ct_ijk_to_ras: (4, 4), without its parent transform.
        ct_to_world: its parent transform (4, 4), RAS mm.
        vertebrae_to_world: the parent transform of the CT's vertebrae (4, 4), RAS mm.
    """

    ct_ijk_to_ras: NDArray[Any]
    ct_to_world: NDArray[Any]
    vertebrae_to_world: NDArray[Any]

    def ct_as_json(self) -> str:
        """Where the CT was, to be kept with a result."""
        return json.dumps({"ijk_to_ras": self.ct_ijk_to_ras.tolist(), "to_world": self.ct_to_world.tolist()})


def placement_of(
    ct: slicer.vtkMRMLScalarVolumeNode,
    vertebrae: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode,
) -> Placement:
    """Where the inputs are now.

    Raises:
        InputError: one of them is under a non-linear transform.
    """
    ijk_to_ras = vtk.vtkMatrix4x4()
    ct.GetIJKToRASMatrix(ijk_to_ras)
    matrices = ijk_to_ras, matrix_to_world(ct), matrix_to_world(vertebrae)
    return Placement(*map(slicer.util.arrayFromVTKMatrix, matrices))


def landmark_names(node: slicer.vtkMRMLMarkupsNode) -> list[str]:
    """The labels of the placed points of a point list."""
    return [node.GetNthControlPointLabel(i) for i in _placed_points(node)]


def file_names(nodes: InputNodes) -> dict[str, str]:
    """What to call the files of `write_inputs` in messages: the names of the nodes."""
    named = {CT: nodes.ct, MR: nodes.mr, LANDMARKS: nodes.mr_landmarks}
    for stem, node in ((MR_SEGMENTS, nodes.mr_vertebrae), (SEGMENTS, nodes.vertebrae)):
        if node is not None:
            named[_labels_file(stem, node)] = node
    return {file: f'"{node.GetName()}"' for file, node in named.items() if node is not None}


def write_inputs(nodes: InputNodes, folder: Path) -> InputFiles:
    """Write the chosen nodes into an existing, empty folder as files that the command reads.

    Raises:
        InputError: a node is empty, or under a transform that an image cannot be written with, or the voxels
            of a label map are no whole numbers.
    """
    return InputFiles(
        ct=_write_volume(nodes.ct, folder / CT),
        mr=_write_volume(nodes.mr, folder / MR),
        vertebrae=_write_labels(nodes.vertebrae, nodes.ct, folder, SEGMENTS, nodes.overrides),
        mr_landmarks=nodes.mr_landmarks and _write_landmarks(nodes.mr_landmarks, folder / LANDMARKS),
        mr_vertebrae=nodes.mr_vertebrae
        and _write_labels(nodes.mr_vertebrae, nodes.mr, folder, MR_SEGMENTS, {}),
    )


def _write_volume(node: slicer.vtkMRMLScalarVolumeNode, path: Path) -> Path:
    return _store(slicer.vtkMRMLVolumeArchetypeStorageNode(), volume_in_world(node), path, node.GetName())


def _write_labels(
    node: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode,
    volume: slicer.vtkMRMLScalarVolumeNode,
    folder: Path,
    stem: str,
    overrides: Mapping[str, str],
) -> Path:
    rows = segment_rows(segments_of(node), overrides)
    vertebrae = {row.segment_id: row.vertebra for row in rows if row.vertebra is not None}
    path = folder / _labels_file(stem, node)
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        copy = _renumbered(node, vertebrae)
        return _store(slicer.vtkMRMLVolumeArchetypeStorageNode(), copy, path, node.GetName())
    copy = _segmentation_in_world(node, volume)
    for segment_id, vertebra in vertebrae.items():
        copy.GetSegmentation().GetSegment(segment_id).SetName(vertebra)
    return _store(slicer.vtkMRMLSegmentationStorageNode(), copy, path, node.GetName())


def _write_landmarks(node: slicer.vtkMRMLMarkupsNode, path: Path) -> Path:
    points = []
    for i in _placed_points(node):
        right, anterior, superior = node.GetNthControlPointPositionWorld(i)
        position = [-right, -anterior, superior]
        points.append({"label": node.GetNthControlPointLabel(i), "position": position})
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": points}
    path.write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    return path


def _store(
    storage: slicer.vtkMRMLStorageNode, node: slicer.vtkMRMLStorableNode, path: Path, name: str
) -> Path:
    storage.SetFileName(str(path))
    storage.SetUseCompression(0)
    if not storage.WriteData(node):
        raise InputError(
            f'"{name}" cannot be written to the temporary folder; '
            "check that it holds data and that the disk is not full."
        )
    return path


def _segmentation_in_world(
    node: slicer.vtkMRMLSegmentationNode, volume: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLSegmentationNode:
    """A copy outside the scene: label maps in world coordinates; surfaces are drawn on the volume's grid.

    Slicer moves the source representation and may leave what it derived from that behind: it is made anew.
    """
    to_world = vtk.vtkTransform()
    to_world.SetMatrix(matrix_to_world(node))
    segmentation = slicer.vtkSegmentation()
    segmentation.DeepCopy(node.GetSegmentation())
    _keep_source_only(segmentation)
    segmentation.ApplyLinearTransform(to_world)
    copy = slicer.vtkMRMLSegmentationNode()
    copy.SetAndObserveSegmentation(segmentation)
    if not segmentation.ContainsRepresentation(BINARY_LABELMAP):
        copy.SetReferenceImageGeometryParameterFromVolumeNode(volume_in_world(volume))
    if not segmentation.GetNumberOfSegments() or not segmentation.CreateRepresentation(BINARY_LABELMAP):
        raise InputError(f'"{node.GetName()}" holds no segments; choose the vertebra segmentation.')
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
    return copy


def _keep_source_only(segmentation: slicer.vtkSegmentation) -> None:
    """Remove every representation but the one that the others are derived from."""
    names: list[str] = []
    segmentation.GetContainedRepresentationNames(names)
    for name in names:
        if name != segmentation.GetSourceRepresentationName():
            segmentation.RemoveRepresentation(name)


def _renumbered(
    node: slicer.vtkMRMLLabelMapVolumeNode, vertebrae: Mapping[str, str]
) -> slicer.vtkMRMLLabelMapVolumeNode:
    """A copy outside the scene with VerSe numbers; labels that are no vertebra are left out."""
    copy = volume_in_world(node)
    numbers = np.zeros(LARGEST_LABEL + 1, np.uint8)
    for label, vertebra in vertebrae.items():
        numbers[int(label)] = vertebra_number(vertebra) or 0
    labels = whole_labels(node).ravel()
    image = vtk.vtkImageData()
    image.CopyStructure(node.GetImageData())
    image.GetPointData().SetScalars(numpy_to_vtk(numbers[np.clip(labels, 0, LARGEST_LABEL)], deep=True))
    copy.SetAndObserveImageData(image)
    return copy


def _placed_points(node: slicer.vtkMRMLMarkupsNode) -> list[int]:
    defined = slicer.vtkMRMLMarkupsNode.PositionDefined
    count = node.GetNumberOfControlPoints()
    return [i for i in range(count) if node.GetNthControlPointPositionStatus(i) == defined]


def _labels_file(stem: str, node: slicer.vtkMRMLNode) -> str:
    return f"{stem}.nrrd" if node.IsA("vtkMRMLLabelMapVolumeNode") else f"{stem}.seg.nrrd"
