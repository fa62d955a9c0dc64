"""The deformation as a warped grid in the slice views."""

from __future__ import annotations

import json

import numpy as np
import slicer

from .nodes import remove_node, scene_nodes
from .result_nodes import RIGID_START, ResultNodes

SHOWN = "SpineCTMRRegistration.ShownGrid"
"""Attribute of the hidden transform that shows the grid."""
SPACING_MM = 8.0


def show_grid(result: ResultNodes, visible: bool = True) -> None:
    """Show or hide what the registration changed after its rigid start, as a grid of 8 mm.

    The lines are straight where the rigid start was kept. The whole motion would draw the grid where
    the CT lies, which may be far away from the MR.
    """
    scene = result.table.GetScene()
    for earlier in _grids(scene):
        remove_node(earlier)
    if not visible or result.transform is None:
        return
    start = np.array(json.loads(result.table.GetAttribute(RIGID_START)))
    node = slicer.vtkMRMLLinearTransformNode()
    node.SetName("Deformation grid")
    node.SetAttribute(SHOWN, "yes")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.linalg.inv(start)))
    scene.AddNode(node)
    node.SetAndObserveTransformNodeID(result.transform.GetID())
    _draw(node)


def grid_is_shown(result: ResultNodes) -> bool:
    """Whether `show_grid` shows this result."""
    if result.transform is None:
        return False
    grids = _grids(result.table.GetScene())
    return any(grid.GetParentTransformNode() is result.transform for grid in grids)


def remove_grid_of(transform: slicer.vtkMRMLNode) -> None:
    """Remove the grid that shows a transform, which leaves the scene."""
    for grid in _grids(transform.GetScene()):
        if grid.GetParentTransformNode() is transform:
            remove_node(grid)


def _grids(scene: slicer.vtkMRMLScene) -> list[slicer.vtkMRMLLinearTransformNode]:
    return [node for node in scene_nodes(scene, "vtkMRMLLinearTransformNode") if node.GetAttribute(SHOWN)]


def _draw(transform: slicer.vtkMRMLTransformNode) -> None:
    transform.CreateDefaultDisplayNodes()
    display = transform.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisualizationMode(slicer.vtkMRMLTransformDisplayNode.VIS_MODE_GRID)
    display.SetGridSpacingMm(SPACING_MM)
    display.SetVisibility(True)
    display.SetVisibility2D(True)
    display.SetVisibility3D(False)
