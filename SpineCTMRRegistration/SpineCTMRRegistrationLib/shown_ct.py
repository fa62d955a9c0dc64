"""Hidden volumes that show the CT's own voxels over the MR: at the rigid start, and registered.

The user may move or change the CT after the registration. It is then still drawn where it was
registered, or, if its own voxels are not those that were registered, not at all.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from spine_ctmr.errors import InputError

from .nodes import copy_window, refer, remove_node, scene_nodes
from .result_nodes import CT_PLACE, CT_ROLE, RIGID_START, TRANSFORM_ROLE

SHOWN = "SpineCTMRRegistration.Shown"
"""Attribute of the hidden volumes that show the CT: at the rigid start, or registered."""
BEFORE, REGISTERED = "before registration", "registered"
TABLE_ROLE = "spineCTMR.table"
"""Reference of the CT at the rigid start to the quality table of its result."""


def registered_ct(ct_in_mr: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLScalarVolumeNode:
    """The sharpest volume that shows the registered CT."""
    transform = ct_in_mr.GetNodeReference(TRANSFORM_ROLE)
    to_world = _place_of_ct(ct_in_mr)
    if to_world is None or transform is None:
        return ct_in_mr
    node = _shown_ct(ct_in_mr.GetNodeReference(CT_ROLE), REGISTERED, to_world)
    node.SetAndObserveTransformNodeID(transform.GetID())
    return node


def ct_before(
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode, table: slicer.vtkMRMLTableNode
) -> slicer.vtkMRMLScalarVolumeNode:
    """The CT at the rigid start of the registration.

    Raises:
        InputError: the table does not belong to a result, or the CT is not what was registered any more.
    """
    text = table.GetAttribute(RIGID_START)
    if not text:
        raise InputError(f'"{table.GetName()}" is not the quality table of a registration; register first.')
    to_world = _place_of_ct(ct_in_mr)
    if to_world is None:
        raise InputError("The CT was changed or removed after it was registered; register it again.")
    node = _shown_ct(ct_in_mr.GetNodeReference(CT_ROLE), BEFORE, np.array(json.loads(text)) @ to_world)
    refer(node, TABLE_ROLE, table)
    return node


def is_before(node: slicer.vtkMRMLNode | None, table: slicer.vtkMRMLTableNode) -> bool:
    """Whether a volume is what `ct_before` made for this result."""
    return node is not None and node.GetNodeReference(TABLE_ROLE) is table


def forget_before(scene: slicer.vtkMRMLScene) -> None:
    """Remove what `ct_before` made."""
    before = _shown(scene, BEFORE)
    if before is not None:
        remove_node(before)


def _place_of_ct(ct_in_mr: slicer.vtkMRMLScalarVolumeNode) -> NDArray[Any] | None:
    """IJK to RAS mm (4, 4) of the CT when it was registered; None if its own grid is another one now."""
    ct, text = ct_in_mr.GetNodeReference(CT_ROLE), ct_in_mr.GetAttribute(CT_PLACE)
    if ct is None or ct.GetImageData() is None or not text:
        return None
    place = {key: np.array(matrix) for key, matrix in json.loads(text).items()}
    now = vtk.vtkMatrix4x4()
    ct.GetIJKToRASMatrix(now)
    if not np.allclose(slicer.util.arrayFromVTKMatrix(now), place["ijk_to_ras"], atol=1e-3):
        return None
    return place["to_world"] @ place["ijk_to_ras"]


def _shown_ct(
    ct: slicer.vtkMRMLScalarVolumeNode, purpose: str, ijk_to_world: NDArray[Any]
) -> slicer.vtkMRMLScalarVolumeNode:
    """A hidden, unsaved volume with the CT's own voxels, at a place (4, 4, RAS mm); one per purpose."""
    node = _shown(ct.GetScene(), purpose)
    if node is None:
        node = ct.GetScene().AddNode(_hidden_volume(purpose))
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetSaveWithScene(False)
    node.SetName(f"{ct.GetName()} {purpose}")
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_world))
    node.SetAndObserveImageData(ct.GetImageData())
    copy_window(ct, node)
    return node


def _shown(scene: slicer.vtkMRMLScene, purpose: str) -> slicer.vtkMRMLScalarVolumeNode | None:
    nodes = scene_nodes(scene, "vtkMRMLScalarVolumeNode")
    return next((node for node in nodes if node.GetAttribute(SHOWN) == purpose), None)


def _hidden_volume(purpose: str) -> slicer.vtkMRMLScalarVolumeNode:
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetAttribute(SHOWN, purpose)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    return node
