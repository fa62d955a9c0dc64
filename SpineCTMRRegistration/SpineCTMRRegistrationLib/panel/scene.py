"""From nodes to files: the inputs of a registration, written for the command.

Everything is written in world coordinates: linear parent transforms are applied to what is written,
never to the nodes. RAS ends here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .request import InputFiles
from .vertebra_table import SegmentInfo

if TYPE_CHECKING:
    import slicer


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


def segments_of(node: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode) -> list[SegmentInfo]:
    """The segments of a segmentation or the labels of a label map volume."""
    raise NotImplementedError


def landmark_names(node: slicer.vtkMRMLMarkupsNode) -> list[str]:
    """The labels of the placed points of a point list."""
    raise NotImplementedError


def write_inputs(nodes: InputNodes, folder: Path) -> InputFiles:
    """Write the chosen nodes into an existing, empty folder as files that the command reads.

    Raises:
        InputError: a node is empty, or under a transform that an image cannot be written with.
    """
    raise NotImplementedError
