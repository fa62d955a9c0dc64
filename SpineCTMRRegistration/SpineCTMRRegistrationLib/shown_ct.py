"""Hidden volumes that show the CT's own voxels over the MR: at the rigid start, and registered.

The user may move or change the CT after the registration. It is then still drawn where it was
registered, or, if its own voxels are not those that were registered, the CT in MR space is drawn.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from spine_ctmr.errors import InputError

from .checkerboard import fill_checkerboard
from .fusion import Fusion, dress
from .nodes import refer, remove_node, scene_nodes
from .result_nodes import CT_PLACE, CT_ROLE, RIGID_START, TRANSFORM_ROLE, ResultNodes

SHOWN = "SpineCTMRRegistration.Shown"
"""Attribute of the hidden volumes that show the CT: at the rigid start, or registered."""
BEFORE, REGISTERED = "before registration", "registered"
TABLE_ROLE, IMAGE_ROLE = "spineCTMR.table", "spineCTMR.image"
"""References of the CT at the rigid start to the quality table of its result, and of the registered CT to
the CT in MR space."""


@dataclass(frozen=True)
class _Place:
    """A volume and where it is to be drawn: voxels to RAS mm (4, 4), then a transform, if there is one."""

    volume: slicer.vtkMRMLScalarVolumeNode
    ijk_to_world: NDArray[Any]
    transform: slicer.vtkMRMLTransformNode | None = None


def registered_ct(
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode, mr: slicer.vtkMRMLScalarVolumeNode, fusion: Fusion
) -> slicer.vtkMRMLScalarVolumeNode:
    """A volume that shows the registered CT, as sharp as can be.

    Raises:
        InputError: the MR is where its grid cannot be used.
    """
    transform, to_world = ct_in_mr.GetNodeReference(TRANSFORM_ROLE), _place_of_ct(ct_in_mr)
    if to_world is None or transform is None:
        place = _Place(ct_in_mr, _ijk_to_ras(ct_in_mr))
    else:
        place = _Place(ct_in_mr.GetNodeReference(CT_ROLE), to_world, transform)
    node = _shown_at(place, REGISTERED, mr, fusion)
    refer(node, IMAGE_ROLE, ct_in_mr)
    return node


def ct_before(
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode,
    table: slicer.vtkMRMLTableNode,
    mr: slicer.vtkMRMLScalarVolumeNode,
    fusion: Fusion,
) -> slicer.vtkMRMLScalarVolumeNode:
    """A volume that shows the CT at the rigid start of the registration.

    Raises:
        InputError: the table does not belong to a result, or the CT is not what was registered any more.
    """
    text = table.GetAttribute(RIGID_START)
    if not text:
        raise InputError(f'"{table.GetName()}" is not the quality table of a registration; register first.')
    to_world = _place_of_ct(ct_in_mr)
    if to_world is None:
        raise InputError("The CT was changed or removed after it was registered; register it again.")
    place = _Place(ct_in_mr.GetNodeReference(CT_ROLE), np.array(json.loads(text)) @ to_world)
    node = _shown_at(place, BEFORE, mr, fusion)
    refer(node, TABLE_ROLE, table)
    return node


def draw_anew(result: ResultNodes, mr: slicer.vtkMRMLScalarVolumeNode | None, fusion: Fusion) -> None:
    """Draw again what the views show of a result whose nodes have changed, or remove what cannot be drawn."""
    scene, ct_in_mr = result.table.GetScene(), result.ct_in_mr
    registered, before = _shown(scene, REGISTERED), _shown(scene, BEFORE)
    if registered is not None and registered.GetNodeReference(IMAGE_ROLE) is ct_in_mr:
        _draw_or_remove(registered, mr and ct_in_mr, lambda: registered_ct(ct_in_mr, mr, fusion))
    if is_before(before, result.table):
        _draw_or_remove(before, mr and ct_in_mr, lambda: ct_before(ct_in_mr, result.table, mr, fusion))


def _draw_or_remove(
    node: slicer.vtkMRMLScalarVolumeNode, images: slicer.vtkMRMLNode | None, draw: Callable[[], object]
) -> None:
    try:
        if images is not None:
            draw()
            return
    except InputError:
        pass  # the CT or the MR was changed meanwhile
    remove_node(node)


def is_before(node: slicer.vtkMRMLNode | None, table: slicer.vtkMRMLTableNode) -> bool:
    """Whether a volume is what `ct_before` made for this result."""
    return node is not None and node.GetNodeReference(TABLE_ROLE) is table


def is_shown_ct(node: slicer.vtkMRMLNode | None) -> bool:
    """Whether a volume was made here."""
    return node is not None and node.GetAttribute(SHOWN) is not None


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
    if not np.allclose(_ijk_to_ras(ct), place["ijk_to_ras"], atol=1e-3):
        return None
    return place["to_world"] @ place["ijk_to_ras"]


def _ijk_to_ras(volume: slicer.vtkMRMLScalarVolumeNode) -> NDArray[Any]:
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def _shown_at(
    place: _Place, purpose: str, mr: slicer.vtkMRMLScalarVolumeNode, fusion: Fusion
) -> slicer.vtkMRMLScalarVolumeNode:
    """A hidden, unsaved volume that shows a CT at a place; one per purpose."""
    node = _shown(place.volume.GetScene(), purpose) or _add_hidden_volume(place.volume.GetScene(), purpose)
    node.SetName(f"{place.volume.GetName()} {purpose}")
    if fusion is Fusion.CHECKERBOARD:
        fill_checkerboard(node, place.volume, place.ijk_to_world, place.transform, mr)
        return node
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(place.ijk_to_world))
    node.SetAndObserveImageData(place.volume.GetImageData())
    node.SetAndObserveTransformNodeID(place.transform.GetID() if place.transform is not None else None)
    dress(node, place.volume, fusion)
    return node


def _shown(scene: slicer.vtkMRMLScene, purpose: str) -> slicer.vtkMRMLScalarVolumeNode | None:
    nodes = scene_nodes(scene, "vtkMRMLScalarVolumeNode")
    return next((node for node in nodes if node.GetAttribute(SHOWN) == purpose), None)


def _add_hidden_volume(scene: slicer.vtkMRMLScene, purpose: str) -> slicer.vtkMRMLScalarVolumeNode:
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetAttribute(SHOWN, purpose)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetSaveWithScene(False)
    return node
