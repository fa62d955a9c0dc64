"""The segments of segmentations and label map volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import slicer
import vtk

from ..imaging.slicer_segments import meanings_of
from ..imaging.vertebra_names import vertebra_number
from .vertebra_table import SegmentInfo

BINARY_LABELMAP = "Binary labelmap"
LARGEST_LABEL = 10_000
VERTEBRA = "SpineCTMRRegistration.Vertebra"
"""Tag of a segment and attribute of a transform: the vertebra's name."""


@dataclass(frozen=True)
class Look:
    """What a segment is called and its colour, RGB from 0 to 1."""

    name: str
    color: tuple[float, float, float]


def segments_of(node: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode) -> list[SegmentInfo]:
    """The segments of a segmentation or the labels of a label map volume.

    Labels are called as in the volume's colour table if that names a vertebra, else by their number.
    """
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        return _labels_of(node)
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
    return [_segment_info(key, segmentation.GetSegment(key)) for key in ids]


def segmentation_from(
    labels: slicer.vtkMRMLLabelMapVolumeNode, looks: Mapping[str, Look]
) -> slicer.vtkSegmentation:
    """A segmentation of VerSe numbers: a segment for each of `looks`, with the vertebra's name as id."""
    image = slicer.vtkSlicerSegmentationsModuleLogic.CreateOrientedImageDataFromVolumeNode(labels)
    segmentation = slicer.vtkSegmentation()
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
    for vertebra, look in looks.items():
        segment = slicer.vtkSegment()
        segment.SetName(look.name)
        segment.SetColor(*look.color)
        segment.SetTag(VERTEBRA, vertebra)
        segment.SetLabelValue(vertebra_number(vertebra))
        segment.AddRepresentation(BINARY_LABELMAP, image)
        segmentation.AddSegment(segment, vertebra)
    return segmentation


def label_values(node: slicer.vtkMRMLLabelMapVolumeNode) -> list[int]:
    """The labels in a label map volume, without the background."""
    values = vtk.vtkIntArray()
    slicer.vtkSlicerSegmentationsModuleLogic.GetAllLabelValues(values, node.GetImageData())
    labels = (values.GetValue(i) for i in range(values.GetNumberOfValues()))
    return [label for label in labels if 0 < label <= LARGEST_LABEL]


def _segment_info(segment_id: str, segment: slicer.vtkSegment) -> SegmentInfo:
    entry = vtk.mutable("")
    segment.GetTag("TerminologyEntry", entry)
    return SegmentInfo(segment_id, segment.GetName(), meanings_of(str(entry)), tuple(segment.GetColor()))


def _labels_of(node: slicer.vtkMRMLLabelMapVolumeNode) -> list[SegmentInfo]:
    if node.GetImageData() is None:
        return []
    labels = label_values(node)
    display = node.GetDisplayNode()
    table = display.GetColorNode() if display is not None else None
    names = {n: (table and table.GetColorName(n)) or str(n) for n in labels}
    if not any(vertebra_number(name) for name in names.values()):
        names = {n: str(n) for n in labels}
    return [SegmentInfo(str(n), names[n], color=_table_color(table, n)) for n in labels]


def _table_color(table: slicer.vtkMRMLColorNode | None, label: int) -> tuple[float, float, float]:
    color = [0.5, 0.5, 0.5, 1.0]
    if table is not None:
        table.GetColor(label, color)
    return color[0], color[1], color[2]
