"""The nodes that hold a result: what the user wants of them, and how they refer to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import slicer
from spine_ctmr.errors import InputError

from .nodes import interpolate_linearly, refer, scene_nodes
from .result_table import QUALITY
from .segments import VERTEBRA, would_lose_segments
from .vertebra_table import QualityReport, parse_quality

if TYPE_CHECKING:
    from .scene import Placement
    from .source_vertebrae import SourceVertebrae

TRANSFORM, CT_IN_MR, MR_IN_CT, VERTEBRAE, JACOBIAN = OPTIONAL_RESULTS = (
    "transform",
    "ct_in_mr",
    "mr_in_ct",
    "vertebrae_in_mr",
    "jacobian",
)
"""Results that the user can leave out. Table and vertebra transforms are always loaded."""

FRAME, RIGID_START = "SpineCTMRRegistration.Frame", "SpineCTMRRegistration.RigidStart"
"""Attributes of a vertebra's transform (centre and axes) and of the table (CT→MR matrix), RAS mm, as JSON."""
CT_PLACE = "SpineCTMRRegistration.CtPlace"
"""Attribute of the CT in MR space: where the CT was (`Placement`), as JSON."""
ROLES = "spineCTMR."
"""How the roles of all references of a result begin."""
POSES, MODELS = "spineCTMR.vertebraTransform", "spineCTMR.vertebraModel"
"""References of the table to a transform and a surface model of each vertebra."""
CT_ROLE, MR_ROLE, SET_ROLE = "spineCTMR.ct", "spineCTMR.mr", "spineCTMR.parameterSet"
"""References of every node of a result to the images and the parameter set that it was made from."""
TRANSFORM_ROLE, SOURCE_ROLE = "spineCTMR.transform", "spineCTMR.source"
"""References of the CT in MR space to the transform, and of table and moved vertebrae to those of the CT."""

NODE_CLASSES: Mapping[str, str] = {
    TRANSFORM: "vtkMRMLTransformNode",
    CT_IN_MR: "vtkMRMLScalarVolumeNode",
    MR_IN_CT: "vtkMRMLScalarVolumeNode",
    VERTEBRAE: "vtkMRMLSegmentationNode",
    JACOBIAN: "vtkMRMLScalarVolumeNode",
    "table": "vtkMRMLTableNode",
}


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
class SourceNodes:
    """The nodes that were registered; None for one that was deleted meanwhile.

    Attributes:
        placement: where they were when the registration started.
        at_start: the vertebrae as they were then.
        parameter_set: with which they were chosen.
    """

    ct: slicer.vtkMRMLScalarVolumeNode | None
    mr: slicer.vtkMRMLScalarVolumeNode | None
    vertebrae: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode | None
    placement: Placement
    at_start: SourceVertebrae
    parameter_set: slicer.vtkMRMLNode | None = None


@dataclass(frozen=True)
class ResultNodes:
    """A result in the scene; None for what was not wanted or was deleted.

    Attributes:
        vertebra_transforms: linear transform by vertebra name, cranial to caudal.
        vertebra_models: surface by vertebra name, cranial to caudal; none where the moved vertebrae were
            not wanted.
    """

    table: slicer.vtkMRMLTableNode
    transform: slicer.vtkMRMLTransformNode | None
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode | None
    mr_in_ct: slicer.vtkMRMLScalarVolumeNode | None
    vertebrae_in_mr: slicer.vtkMRMLSegmentationNode | None
    jacobian: slicer.vtkMRMLScalarVolumeNode | None
    vertebra_transforms: Mapping[str, slicer.vtkMRMLLinearTransformNode]
    vertebra_models: Mapping[str, slicer.vtkMRMLModelNode] = field(default_factory=dict)


def check_outputs(outputs: Outputs, inputs: list[slicer.vtkMRMLNode]) -> None:
    """Refuse outputs that are inputs, one node for two results, or surfaces that would be lost; before a run.

    Raises:
        InputError: says which node, and what to do.
    """
    seen = {node.GetID() for node in inputs}
    for key, node in chosen_nodes(outputs).items():
        if node.GetID() in seen:
            raise InputError(f'"{node.GetName()}" is an input or another output; choose another node.')
        if node.GetClassName() != NODE_CLASSES[key]:
            raise InputError(f'"{node.GetName()}" cannot hold this result; choose a new node for it.')
        if key == VERTEBRAE and would_lose_segments(node):
            raise InputError(
                f'"{node.GetName()}" holds other segments, and not as label maps; choose a new node for the '
                "moved vertebrae, or make Binary labelmap its source representation in Segmentations."
            )
        seen.add(node.GetID())


def results_of(table: slicer.vtkMRMLTableNode) -> ResultNodes:
    """The result that a quality table belongs to, for example after the scene was saved and reloaded."""
    transform = table.GetNodeReference(role_of(TRANSFORM))
    if transform is not None:
        interpolate_linearly(transform)
    return ResultNodes(
        table=table,
        vertebra_transforms=_of_each_vertebra(table, POSES),
        vertebra_models=_of_each_vertebra(table, MODELS),
        **{key: table.GetNodeReference(role_of(key)) for key in OPTIONAL_RESULTS},
    )


def _of_each_vertebra(table: slicer.vtkMRMLTableNode, role: str) -> dict[str, slicer.vtkMRMLNode]:
    nodes = [table.GetNthNodeReference(role, i) for i in range(table.GetNumberOfNodeReferences(role))]
    return {node.GetAttribute(VERTEBRA): node for node in nodes if node is not None}


def sign(
    node: slicer.vtkMRMLNode,
    ct: slicer.vtkMRMLNode | None,
    mr: slicer.vtkMRMLNode | None,
    parameter_set: slicer.vtkMRMLNode | None,
) -> None:
    """Remember in a node of a result what it was made from."""
    refer(node, CT_ROLE, ct)
    refer(node, MR_ROLE, mr)
    refer(node, SET_ROLE, parameter_set)


def optional_nodes(result: ResultNodes) -> dict[str, slicer.vtkMRMLNode]:
    """Those of OPTIONAL_RESULTS that are there."""
    return {key: node for key in OPTIONAL_RESULTS if (node := vars(result)[key]) is not None}


def withdraw(written: Sequence[slicer.vtkMRMLNode], owners: Sequence[slicer.vtkMRMLNode]) -> None:
    """Have other results forget nodes of the scene that hold something else now; not what draws them.

    Args:
        written: the nodes.
        owners: nodes of the result that they are written for.
    """
    identifiers = {node.GetID() for node in written}
    for other in scene_nodes(owners[0].GetScene(), "vtkMRMLNode"):
        roles = [other.GetNthNodeReferenceRole(i) for i in range(other.GetNumberOfNodeReferenceRoles())]
        for role in roles if other not in owners and not other.GetHideFromEditors() else []:
            for i in reversed(range(other.GetNumberOfNodeReferences(role))):
                if role.startswith(ROLES) and other.GetNthNodeReferenceID(role, i) in identifiers:
                    other.RemoveNthNodeReferenceID(role, i)


def registered_images(result: ResultNodes) -> tuple[slicer.vtkMRMLNode | None, slicer.vtkMRMLNode | None]:
    """The CT and the MR that a result was made from; None for one that is not in the scene any more."""
    ct, mr = (result.table.GetNodeReference(role) for role in (CT_ROLE, MR_ROLE))
    return ct, mr


def quality_of(table: slicer.vtkMRMLTableNode) -> QualityReport:
    """The quality figures in a table node made by `load_results`.

    Raises:
        InputError: the table was not made by it.
    """
    return parse_quality(table.GetAttribute(QUALITY) or "", f'"{table.GetName()}"')


def chosen_nodes(outputs: Outputs) -> dict[str, slicer.vtkMRMLNode]:
    """Existing nodes by result."""
    nodes = {key: node for key, node in outputs.nodes.items() if node is not None and key in outputs.wanted}
    return nodes if outputs.table is None else {**nodes, "table": outputs.table}


def role_of(key: str) -> str:
    """The reference by which a quality table knows the node of a result."""
    return f"spineCTMR.{key}"
