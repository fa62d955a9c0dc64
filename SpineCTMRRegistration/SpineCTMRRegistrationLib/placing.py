"""Placing one named point per vertebra in the MR: the point list asks for one level after the other.

The list is made with all its labels and no positions. In place mode Slicer gives every click to the next
point without a position, so the user only follows the label that is asked for. While the pointer is over a
view, that point is a preview that follows it: it has a position, but nobody has placed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import slicer

CLASS = "vtkMRMLMarkupsFiducialNode"


def make_point_list(scene: slicer.vtkMRMLScene, levels: Sequence[str]) -> slicer.vtkMRMLMarkupsFiducialNode:
    """A new point list that asks for `levels`, in their order."""
    points = scene.AddNewNodeByClass(CLASS, scene.GenerateUniqueName("Vertebra centres in MR"))
    points.CreateDefaultDisplayNodes()
    ask_for(points, levels)
    return points


def ask_for(points: slicer.vtkMRMLMarkupsFiducialNode, levels: Sequence[str]) -> None:
    """Add the levels that the list does not have yet, without positions."""
    known = {points.GetNthControlPointLabel(i) for i in range(points.GetNumberOfControlPoints())}
    points.SetFixedNumberOfControlPoints(False)
    for level in levels:
        if level not in known:
            index = points.AddControlPoint(0.0, 0.0, 0.0, level)
            points.UnsetNthControlPointPosition(index)
    points.SetFixedNumberOfControlPoints(True)
    points.SetControlPointPlacementStartIndex(0)


def asked_level(points: slicer.vtkMRMLMarkupsFiducialNode) -> str | None:
    """The label of the next point to place; None when all are placed or skipped."""
    index = _asked_index(points)
    return None if index is None else points.GetNthControlPointLabel(index)


def skip_level(points: slicer.vtkMRMLMarkupsFiducialNode) -> None:
    """Leave the next point without a position and go on to the one after it."""
    index = _asked_index(points)
    if index is not None:
        points.SetNthControlPointPositionMissing(index)


def go_to_level(points: slicer.vtkMRMLMarkupsFiducialNode, level: str) -> None:
    """Ask for `level` next, if it is not placed yet; the unplaced ones before it in the list are skipped."""
    labels = [points.GetNthControlPointLabel(i) for i in range(points.GetNumberOfControlPoints())]
    if level not in labels:
        return
    index = labels.index(level)
    preview = _first(points, points.PositionPreview)
    if preview is not None:
        points.UnsetNthControlPointPosition(preview)  # the click would go there
    for i in range(index):
        if points.GetNthControlPointPositionStatus(i) == points.PositionUndefined:
            points.SetNthControlPointPositionMissing(i)
    if points.GetNthControlPointPositionStatus(index) == points.PositionMissing:
        points.UnsetNthControlPointPosition(index)


def place_mode(scene: slicer.vtkMRMLScene, points: slicer.vtkMRMLMarkupsFiducialNode | None) -> None:
    """Let clicks in the views place the list's points; None lets them move the views again."""
    interaction = scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
    selection = scene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    if points is None:
        interaction.SwitchToViewTransformMode()
        return
    selection.SetReferenceActivePlaceNodeClassName(CLASS)
    selection.SetActivePlaceNodeID(points.GetID())
    interaction.SwitchToPersistentPlaceMode()


def _asked_index(points: slicer.vtkMRMLMarkupsFiducialNode) -> int | None:
    """The point that a click places: the preview under the pointer, else the first without a position."""
    preview = _first(points, points.PositionPreview)
    return preview if preview is not None else _first(points, points.PositionUndefined)


def _first(points: slicer.vtkMRMLMarkupsFiducialNode, status: int) -> int | None:
    index = points.GetNthControlPointIndexByPositionStatus(0, status)
    return index if 0 <= index < points.GetNumberOfControlPoints() else None
