"""The mouse pointer over a view in place mode, as Slicer's markups widget answers to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

NO_ROTATION = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


class Pointer:
    """Moves over the first slice view of a scene and clicks.

    While it is over the view, the next point to place has the status PositionPreview and follows it; a
    click defines that point, and the next one is a preview only when the pointer moves again. Where it
    leaves the view, the preview is taken back. After the last point of a list with a fixed number of
    points, place mode ends by itself.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._view = scene.GetFirstNodeByClass("vtkMRMLSliceNode")

    def move(self, point: Sequence[float]) -> None:
        """Over a point of the view, RAS mm."""
        if self._points() is not None:
            self._update(point, slicer.vtkMRMLMarkupsNode.PositionPreview)

    def click(self, point: Sequence[float]) -> None:
        """Press and release where the pointer is; people move there first."""
        self.move(point)
        points = self._points()
        if points is None:
            return
        self._update(point, points.PositionDefined)
        if points.GetFixedNumberOfControlPoints() and not points.GetNumberOfUndefinedControlPoints():
            interaction = self._interaction()
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)

    def leave(self) -> None:
        """Out of the view, for example to a button of the panel."""
        points = self._points()
        index = self._preview() if points is not None else -1
        if index >= 0 and points.GetNthControlPointAutoCreated(index):
            points.RemoveNthControlPoint(index)
        elif index >= 0:
            points.UnsetNthControlPointPosition(index)

    def _update(self, point: Sequence[float], status: int) -> None:
        points, preview = self._points(), self._preview()
        event = slicer.vtkMRMLInteractionEventData()
        event.SetWorldPosition(point)
        points.GetDisplayNode().UpdateActiveControlPointWorld(
            preview if preview >= 0 else points.GetControlPointPlacementStartIndex(),
            *(event, NO_ROTATION, self._view.GetID(), None, status),
        )

    def _preview(self) -> int:
        points = self._points()
        return points.GetNthControlPointIndexByPositionStatus(0, points.PositionPreview)

    def _points(self) -> Any:
        """The list that is placed; None outside of place mode."""
        if self._interaction().GetCurrentInteractionMode() != self._interaction().Place:
            return None
        selection = self._scene.GetFirstNodeByClass("vtkMRMLSelectionNode")
        return self._scene.GetNodeByID(selection.GetActivePlaceNodeID())

    def _interaction(self) -> Any:
        return self._scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
