"""Showing one volume in the slice views."""

from __future__ import annotations

import slicer

from ..views import slice_views


def show_alone(volume: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Show nothing but this volume in all slice views; where it was not shown, all of it."""
    for view in slice_views(slicer.mrmlScene):
        earlier = view.composite.GetBackgroundVolumeID()
        view.composite.SetBackgroundVolumeID(volume.GetID())
        view.composite.SetForegroundOpacity(0.0)
        logic = slicer.app.applicationLogic().GetSliceLogic(view.slice_node)
        if logic is not None and earlier != volume.GetID():
            logic.FitSliceToBackground()
