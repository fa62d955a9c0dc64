"""MR and CT in slice views beside each other, with the same slice and a linked cursor in both."""

from __future__ import annotations

import slicer
from spine_ctmr.errors import InputError

from .nodes import scene_nodes
from .views import SliceView, slice_views

LAYOUT = 7316
"""Number of the layout; Slicer's own are below 1000."""
FORMER = "SpineCTMRRegistration.FormerLayout"
FORMER_CROSSHAIR = "SpineCTMRRegistration.FormerMode"
MR_VIEWS, CT_VIEWS = ("SpineMRSagittal", "SpineMRAxial"), ("SpineCTSagittal", "SpineCTAxial")


def open_side_by_side(scene: slicer.vtkMRMLScene) -> tuple[list[SliceView], list[SliceView]]:
    """The views for the MR and for the CT, in a layout of their own; the former one is remembered.

    Raises:
        InputError: this Slicer has no layouts, as one without a main window.
    """
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None:
        raise InputError("This Slicer has no layouts; choose another way to show CT and MR.")
    if not side_by_side_is_open(scene):
        register_layout(scene)
        if layout.GetViewArrangement() != LAYOUT:
            layout.SetAttribute(FORMER, str(layout.GetViewArrangement()))
        layout.SetViewArrangement(LAYOUT)
        _link_cursor(scene)
    views = {view.slice_node.GetLayoutName(): view for view in slice_views(scene)}
    if not set(views) >= {*MR_VIEWS, *CT_VIEWS}:
        leave_side_by_side(scene)
        raise InputError("This Slicer cannot show slices side by side; choose another way.")
    return [views[name] for name in MR_VIEWS], [views[name] for name in CT_VIEWS]


def register_layout(scene: slicer.vtkMRMLScene) -> None:
    """Tell Slicer what the layout is; a scene that was saved in it holds no more than its number."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is not None and not layout.IsLayoutDescription(LAYOUT):
        layout.AddLayoutDescription(LAYOUT, _description())


def side_by_side_is_open(scene: slicer.vtkMRMLScene) -> bool:
    """Whether the layout is the one with MR and CT beside each other, and Slicer knows what that is."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    known = layout is not None and layout.IsLayoutDescription(LAYOUT)
    return known and layout.GetViewArrangement() == LAYOUT


def leave_side_by_side(scene: slicer.vtkMRMLScene) -> None:
    """Go back to the layout and the cursor before."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None or layout.GetAttribute(FORMER) is None:
        return
    if layout.GetViewArrangement() == LAYOUT:
        layout.SetViewArrangement(int(layout.GetAttribute(FORMER)))
    layout.SetAttribute(FORMER, None)
    for crosshair in scene_nodes(scene, "vtkMRMLCrosshairNode"):
        former = crosshair.GetAttribute(FORMER_CROSSHAIR)
        if former is not None:
            crosshair.SetCrosshairMode(int(former))
            crosshair.SetAttribute(FORMER_CROSSHAIR, None)


def _link_cursor(scene: slicer.vtkMRMLScene) -> None:
    """Draw the cursor in all slice views; it moves with the mouse while Shift is held."""
    for crosshair in scene_nodes(scene, "vtkMRMLCrosshairNode"):
        crosshair.SetAttribute(FORMER_CROSSHAIR, str(crosshair.GetCrosshairMode()))
        crosshair.SetCrosshairMode(crosshair.ShowBasic)


def _description() -> str:
    rows = zip(MR_VIEWS, CT_VIEWS, ("Sagittal", "Axial"), strict=True)
    return "".join(
        [
            '<layout type="vertical">',
            *(
                f'<item><layout type="horizontal">{_view(mr, "MR", plane)}{_view(ct, "CT", plane)}'
                "</layout></item>"
                for mr, ct, plane in rows
            ),
            "</layout>",
        ]
    )


def _view(name: str, label: str, plane: str) -> str:
    return (
        f'<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
        f'<property name="orientation" action="default">{plane}</property>'
        f'<property name="viewlabel" action="default">{label}</property>'
        '<property name="viewcolor" action="default">#8C8C8C</property>'
        "</view></item>"
    )
