"""Layers of the slice views that show a result. The layout is never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import slicer

from .fusion import Fusion
from .jacobian_display import show_legend
from .nodes import scene_nodes
from .result_nodes import ResultNodes
from .shown_ct import ct_before, forget_before, is_before, is_shown_ct, registered_ct


@dataclass(frozen=True)
class SliceView:
    """One slice view: its slice node (geometry) and composite node (layers)."""

    slice_node: slicer.vtkMRMLSliceNode
    composite: slicer.vtkMRMLSliceCompositeNode


def slice_views(scene: slicer.vtkMRMLScene) -> list[SliceView]:
    """All slice views of a scene."""
    slices = {node.GetLayoutName(): node for node in scene_nodes(scene, "vtkMRMLSliceNode")}
    composites = scene_nodes(scene, "vtkMRMLSliceCompositeNode")
    pairs = ((slices.get(composite.GetLayoutName()), composite) for composite in composites)
    return [SliceView(node, composite) for node, composite in pairs if node is not None]


def show_fused(
    views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode,
    fusion: Fusion,
    opacity: float | None = None,
) -> None:
    """The registered CT over the MR in linked views, at the present opacity if none is given.

    While the CT and the transform that made `ct_in_mr` are in the scene, the CT's own voxels are drawn
    through the transform, which is sharper than `ct_in_mr` on the MR's thick slices. They are drawn where
    the CT was registered, even if it was moved since. What `show_before` made is removed.
    """
    _show_over(views, mr, registered_ct(ct_in_mr, mr, fusion), opacity)
    forget_before(mr.GetScene())


def show_before(
    views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode,
    table: slicer.vtkMRMLTableNode,
    fusion: Fusion,
) -> None:
    """The CT at the rigid start of the registration over the MR, at the present opacity.

    `show_fused` shows the registered CT again. The CT node is not touched.

    Raises:
        InputError: the table does not belong to a result, or the CT is not what was registered any more.
    """
    _show_over(views, mr, ct_before(ct_in_mr, table, mr, fusion), None)


def registered(
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode, mr: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLScalarVolumeNode:
    """The registered CT as a volume to be shown alone."""
    return registered_ct(ct_in_mr, mr, Fusion.GREY)


def at_start(
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode,
    table: slicer.vtkMRMLTableNode,
    mr: slicer.vtkMRMLScalarVolumeNode,
) -> slicer.vtkMRMLScalarVolumeNode:
    """The CT at the rigid start as a volume to be shown alone.

    Raises:
        InputError: as `show_before`.
    """
    return ct_before(ct_in_mr, table, mr, Fusion.GREY)


def show_beside(
    mr_views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    ct_views: Sequence[SliceView],
    ct: slicer.vtkMRMLScalarVolumeNode,
) -> None:
    """One image alone in each group of views; all of them are linked."""
    for views, image in ((mr_views, mr), (ct_views, ct)):
        for view in views:
            view.composite.SetLinkedControl(True)
            view.composite.SetBackgroundVolumeID(image.GetID())
            view.composite.SetForegroundVolumeID(None)


def before_is_shown(views: Sequence[SliceView], table: slicer.vtkMRMLTableNode) -> bool:
    """Whether `show_before` shows this result."""
    return any(is_before(layer, table) for view in views for layer in _layers(view.composite))


def show_heatmap(
    views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    jacobian: slicer.vtkMRMLScalarVolumeNode,
    opacity: float = 0.6,
) -> None:
    """The Jacobian heatmap over the MR, with its colour legend where Slicer has one.

    It is clear where volume is kept.
    """
    _show_over(views, mr, jacobian, opacity)
    show_legend(jacobian, True)


def set_foreground_opacity(views: Sequence[SliceView], opacity: float) -> None:
    """Opacity of what lies over the MR, 0 to 1; for a slider."""
    for view in views:
        view.composite.SetForegroundOpacity(opacity)


def shows_result(view: SliceView, result: ResultNodes) -> bool:
    """Whether a slice view shows an image of this result."""
    own = (result.ct_in_mr, result.jacobian)
    return any(is_shown_ct(layer) or layer in own for layer in _layers(view.composite))


def _show_over(
    views: Sequence[SliceView],
    background: slicer.vtkMRMLScalarVolumeNode,
    foreground: slicer.vtkMRMLScalarVolumeNode,
    opacity: float | None,
) -> None:
    """Layers of linked views; the present opacity if none is given."""
    for view in views:
        view.composite.SetLinkedControl(True)
        view.composite.SetBackgroundVolumeID(background.GetID())
        if view.composite.GetForegroundVolumeID() != foreground.GetID():
            _hide_legend(view.composite)
        view.composite.SetForegroundVolumeID(foreground.GetID())
        if opacity is not None:
            view.composite.SetForegroundOpacity(opacity)


def _hide_legend(composite: slicer.vtkMRMLSliceCompositeNode) -> None:
    shown = _foreground(composite)
    if shown is not None:
        show_legend(shown, False)


def _layers(composite: slicer.vtkMRMLSliceCompositeNode) -> list[slicer.vtkMRMLNode]:
    """The images of a slice view."""
    names = (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID())
    nodes = [composite.GetScene().GetNodeByID(name) for name in names if name]
    return [node for node in nodes if node is not None]


def _foreground(composite: slicer.vtkMRMLSliceCompositeNode) -> slicer.vtkMRMLNode | None:
    return composite.GetScene().GetNodeByID(composite.GetForegroundVolumeID() or "")
