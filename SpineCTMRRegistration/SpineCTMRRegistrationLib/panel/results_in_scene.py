"""From files to nodes: a folder of results, loaded into the scene.

The nodes live in world coordinates (RAS). `transform` is the CT's transform to the MR: from-parent is
the composite of mr_to_ct.h5, so that a CT image, segment, model or point put under it moves onto the MR.
A vertebra's linear transform does the same for that bone: to-parent is the rigid CT→MR pose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .vertebra_table import Quality

if TYPE_CHECKING:
    import slicer

TRANSFORM, CT_IN_MR, MR_IN_CT, VERTEBRAE, JACOBIAN = OPTIONAL_RESULTS = (
    "transform",
    "ct_in_mr",
    "mr_in_ct",
    "vertebrae_in_mr",
    "jacobian",
)
"""Results that the user can leave out. Table and vertebra transforms are always loaded."""

NODE_CLASSES: Mapping[str, str] = {
    TRANSFORM: "vtkMRMLTransformNode",
    CT_IN_MR: "vtkMRMLScalarVolumeNode",
    MR_IN_CT: "vtkMRMLScalarVolumeNode",
    VERTEBRAE: "vtkMRMLSegmentationNode",
    JACOBIAN: "vtkMRMLScalarVolumeNode",
    "table": "vtkMRMLTableNode",
}


@dataclass(frozen=True)
class SourceNodes:
    """The nodes that were registered; None for one that was deleted meanwhile."""

    ct: slicer.vtkMRMLScalarVolumeNode | None
    mr: slicer.vtkMRMLScalarVolumeNode | None
    vertebrae: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode | None


@dataclass(frozen=True)
class Outputs:
    """Which results the user wants, and in which nodes.

    Attributes:
        wanted: of OPTIONAL_RESULTS.
        nodes: existing nodes to update, by result; new nodes are made for the other wanted ones.
        table: the quality table of an earlier run to update, with its vertebra transforms; None for new ones.
    """

    wanted: frozenset[str] = frozenset(OPTIONAL_RESULTS)
    nodes: Mapping[str, slicer.vtkMRMLNode] = field(default_factory=dict)
    table: slicer.vtkMRMLTableNode | None = None


@dataclass(frozen=True)
class ResultNodes:
    """A result in the scene; None for what was not wanted or was deleted.

    Attributes:
        vertebra_transforms: linear transform by vertebra name, cranial to caudal.
    """

    table: slicer.vtkMRMLTableNode
    transform: slicer.vtkMRMLTransformNode | None
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode | None
    mr_in_ct: slicer.vtkMRMLScalarVolumeNode | None
    vertebrae_in_mr: slicer.vtkMRMLSegmentationNode | None
    jacobian: slicer.vtkMRMLScalarVolumeNode | None
    vertebra_transforms: Mapping[str, slicer.vtkMRMLLinearTransformNode]


def check_outputs(outputs: Outputs, inputs: list[slicer.vtkMRMLNode]) -> None:
    """Refuse outputs that are inputs, or one node for two results; call it before a run.

    Raises:
        InputError: says which node, and what to do.
    """
    raise NotImplementedError


def load_results(
    scene: slicer.vtkMRMLScene, results: Path, sources: SourceNodes, outputs: Outputs
) -> ResultNodes:
    """Load a finished folder of results into the scene.

    Existing nodes change only after all files were read; when something fails, new nodes are removed.

    Raises:
        InputError: a file is missing or unreadable.
    """
    raise NotImplementedError


def results_of(table: slicer.vtkMRMLTableNode) -> ResultNodes:
    """The result that a quality table belongs to, for example after the scene was saved and reloaded."""
    raise NotImplementedError


def quality_of(table: slicer.vtkMRMLTableNode) -> Quality:
    """The quality figures in a table node made by `load_results`."""
    raise NotImplementedError
