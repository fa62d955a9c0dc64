"""Which nodes a run writes into: what it made before, and what the user picked by hand; nothing else."""

from __future__ import annotations

from collections.abc import Collection

import slicer

from .nodes import scene_nodes
from .parameters import NODES, OUTPUTS, Parameters, chosen, node_of
from .result_nodes import CT_ROLE, MR_ROLE, SET_ROLE, ResultNodes, optional_nodes, role_of

TABLE = "table"


def spare_other_nodes(parameters: Parameters, picked: Collection[str]) -> list[str]:
    """Have new nodes made where another node is chosen as output than a run may write into.

    A run of a parameter set may write into what an earlier run of the same set made of the same images,
    unless it belongs to another result than the chosen one, and into a node that the user picked by hand.
    Selectors can choose nodes by themselves, such as the neighbour of a deleted one; that may be another
    patient's image.

    Args:
        parameters: of the run that is about to start.
        picked: parameters whose present node the user picked.

    Returns:
        A sentence for each node that is spared.
    """
    spared = []
    for name in (TABLE, *(node_name for _, node_name in OUTPUTS.values())):
        node = chosen(parameters, name)
        if node is None or name in picked:
            continue
        if _was_made_for(node, parameters) and not _is_of_another_result(node, parameters.table):
            continue
        setattr(parameters, name, None)
        spared.append(f'"{node.GetName()}" is not written into; the {NODES[name]} gets a new node.')
    return spared


def remember(result: ResultNodes, parameters: Parameters) -> None:
    """Choose the result's nodes as outputs, so that the next run updates them."""
    parameters.table = result.table
    for name, node in optional_nodes(result).items():
        setattr(parameters, OUTPUTS[name][1], node)


def _is_of_another_result(node: slicer.vtkMRMLNode, table: slicer.vtkMRMLTableNode | None) -> bool:
    """Whether a quality table other than the chosen one refers to a node as its result."""
    others = [other for other in scene_nodes(node.GetScene(), "vtkMRMLTableNode") if other is not table]
    return any(other.HasNodeReferenceID(role_of(key), node.GetID()) for other in others for key in OUTPUTS)


def _was_made_for(node: slicer.vtkMRMLNode, parameters: Parameters) -> bool:
    made_from = [node.GetNodeReference(role) for role in (SET_ROLE, CT_ROLE, MR_ROLE)]
    return made_from == [node_of(parameters), parameters.ct, parameters.mr]
