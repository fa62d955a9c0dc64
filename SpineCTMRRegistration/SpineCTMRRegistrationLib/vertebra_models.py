"""The moved vertebrae as models in the 3-D views, in the colour of their flag."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import slicer
import vtk

from .nodes import scene_nodes
from .result_nodes import MODELS, ResultNodes

COLORS: Mapping[str, tuple[float, float, float]] = {
    "good": (0.55, 0.80, 0.50),
    "check": (0.95, 0.75, 0.20),
    "do not use": (0.90, 0.30, 0.22),
}
"""By flag, as in the table but stronger, for lit surfaces."""
NEAREST_MM = 2.0
"""A picked point farther than this from every vertebra is another thing's."""


def color_model(node: slicer.vtkMRMLModelNode, flag: str) -> None:
    """Colour a model in the scene by its vertebra's flag; a new one is not shown yet."""
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
        node.SetDisplayVisibility(False)
    node.GetDisplayNode().SetColor(*COLORS.get(flag, COLORS["check"]))


def show_models(result: ResultNodes, visible: bool = True) -> None:
    """Show or hide the models of a result; those of other results are hidden."""
    own = set(result.vertebra_models.values())
    for table in scene_nodes(result.table.GetScene(), "vtkMRMLTableNode"):
        for index in range(table.GetNumberOfNodeReferences(MODELS)):
            model = table.GetNthNodeReference(MODELS, index)
            if model is not None:
                model.SetDisplayVisibility(visible and model in own)


def models_are_shown(result: ResultNodes) -> bool:
    """Whether `show_models` shows them."""
    return any(model.GetDisplayVisibility() for model in result.vertebra_models.values())


def vertebra_at(result: ResultNodes, renderer: vtk.vtkRenderer, x: float, y: float) -> str | None:
    """The vertebra whose model is seen at a pixel of a 3-D view, counted from below; None if none is."""
    picker = vtk.vtkCellPicker()
    picker.SetTolerance(0.0005)
    if not picker.Pick(x, y, 0.0, renderer):
        return None
    nearest, distance = None, NEAREST_MM
    for name, model in result.vertebra_models.items():
        if model.GetDisplayVisibility() and _distance(model, picker.GetPickPosition()) < distance:
            nearest, distance = name, _distance(model, picker.GetPickPosition())
    return nearest


def _distance(model: slicer.vtkMRMLModelNode, point: Any) -> float:
    """From a point in RAS mm to a model's nearest corner; its transform is followed."""
    to_model = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, model.GetParentTransformNode(), to_model)
    local = to_model.TransformPoint(point)
    surface = model.GetPolyData()
    if surface is None or not surface.GetNumberOfPoints():
        return math.inf
    return math.dist(surface.GetPoint(surface.FindPoint(local)), local)
