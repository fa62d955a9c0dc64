"""Showing one volume in the slice views."""

from __future__ import annotations

from collections.abc import Sequence

import slicer

from ..views import SliceView, slice_views


def show_alone(volume: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Show nothing but this volume in all slice views; where it was not shown, all of it."""
    new = []
    for view in slice_views(slicer.mrmlScene):
        if view.composite.GetBackgroundVolumeID() != volume.GetID():
            new.append(view)
        view.composite.SetBackgroundVolumeID(volume.GetID())
        view.composite.SetForegroundOpacity(0.0)
    fit_to_background(new)


def fit_to_background(views: Sequence[SliceView]) -> None:
    """Show all of the background volume."""
    for view in views:
        logic = slicer.app.applicationLogic().GetSliceLogic(view.slice_node)
        if logic is not None:
            logic.FitSliceToBackground()
