"""Visual checks of a result, on the slice views that are given. The layout is never changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray
from spine_ctmr.errors import InputError

from .jacobian_display import show_legend
from .nodes import scene_nodes
from .result_nodes import FRAME, SOURCE_ROLE, ResultNodes
from .shown_ct import ct_before, forget_before, is_before, registered_ct

CONTOUR_PX = 2


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
    opacity: float = 0.5,
) -> None:
    """The registered CT over the MR in linked views.

    While the CT and the transform that made `ct_in_mr` are in the scene, the CT's own voxels are drawn
    through the transform, which is sharper than `ct_in_mr` on the MR's thick slices. They are drawn where
    the CT was registered, even if it was moved since.
    """
    _show_over(views, mr, registered_ct(ct_in_mr), opacity)


def set_foreground_opacity(views: Sequence[SliceView], opacity: float) -> None:
    """Opacity of what lies over the MR, 0 to 1; for a slider."""
    for view in views:
        view.composite.SetForegroundOpacity(opacity)


def show_before(
    views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode,
    table: slicer.vtkMRMLTableNode,
) -> None:
    """The CT at the rigid start of the registration over the MR, at the present opacity.

    `show_after` (or `show_fused`) shows the registered CT again. The CT node is not touched.

    Raises:
        InputError: the table does not belong to a result, or the CT is not what was registered any more.
    """
    _show_over(views, mr, ct_before(ct_in_mr, table), None)


def before_is_shown(views: Sequence[SliceView], table: slicer.vtkMRMLTableNode) -> bool:
    """Whether `show_before` shows this result."""
    return any(is_before(_foreground(view.composite), table) for view in views)


def show_after(
    views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode,
) -> None:
    """The registered CT over the MR, at the present opacity; removes what `show_before` made."""
    _show_over(views, mr, registered_ct(ct_in_mr), None)
    forget_before(mr.GetScene())


def show_contours(segmentation: slicer.vtkMRMLSegmentationNode, visible: bool = True) -> None:
    """The outlines of the moved vertebrae in all slice views.

    The vertebrae of the CT, which lie elsewhere, are hidden in slices meanwhile, and so are the
    outlines of other results.
    """
    for other in scene_nodes(segmentation.GetScene(), "vtkMRMLSegmentationNode"):
        if other is not segmentation and other.GetNodeReference(SOURCE_ROLE) is not None:
            other.SetDisplayVisibility(False)
    source = segmentation.GetNodeReference(SOURCE_ROLE)
    if source is not None and source.GetDisplayNode() is not None:
        source.GetDisplayNode().SetVisibility2D(not visible)
    segmentation.CreateDefaultDisplayNodes()
    display = segmentation.GetDisplayNode()
    display.SetVisibility(visible)
    display.SetVisibility2D(visible)
    display.SetVisibility2DFill(False)
    display.SetVisibility2DOutline(True)
    display.SetOpacity2DOutline(1.0)
    display.SetSliceIntersectionThickness(CONTOUR_PX)


def contours_are_shown(segmentation: slicer.vtkMRMLSegmentationNode | None) -> bool:
    """Whether `show_contours` shows them."""
    display = segmentation.GetDisplayNode() if segmentation is not None else None
    return display is not None and bool(display.GetVisibility() and display.GetVisibility2DOutline())


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


def jump_to_vertebra(views: Sequence[SliceView], result: ResultNodes, name: str) -> None:
    """Centre the slices on a moved vertebra and turn them along its axes.

    Each view takes the plane of the vertebra (axial, sagittal or coronal) nearest to its present one.

    Raises:
        InputError: the result has no such vertebra.
    """
    node = result.vertebra_transforms.get(name)
    if node is None:
        raise InputError(f"The result has no vertebra {name}; choose one of its table.")
    frame = json.loads(node.GetAttribute(FRAME))
    axes = np.array(frame["axes"])
    for view in views:
        _orient(view.slice_node, axes, frame["center"])


def bring_into_view(
    views: Sequence[SliceView], mr: slicer.vtkMRMLScalarVolumeNode, result: ResultNodes
) -> None:
    """Centre on the vertebra in the middle, where a slice's centre lies outside of the MR."""
    poses = list(result.vertebra_transforms.values())
    center = json.loads(poses[len(poses) // 2].GetAttribute(FRAME))["center"]
    bounds = np.zeros(6)
    mr.GetRASBounds(bounds)
    for view in views:
        at = slicer.util.arrayFromVTKMatrix(view.slice_node.GetSliceToRAS())[:3, 3]
        if (at < bounds[0::2]).any() or (at > bounds[1::2]).any():
            view.slice_node.JumpSliceByCentering(*center)


def reset_orientation(views: Sequence[SliceView]) -> None:
    """Turn the slices back to the patient's axes, at the same place."""
    for view in views:
        matrix = slicer.util.arrayFromVTKMatrix(view.slice_node.GetSliceToRAS())
        _orient(view.slice_node, np.eye(3), matrix[:3, 3])


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


def _foreground(composite: slicer.vtkMRMLSliceCompositeNode) -> slicer.vtkMRMLNode | None:
    return composite.GetScene().GetNodeByID(composite.GetForegroundVolumeID() or "")


def _orient(node: slicer.vtkMRMLSliceNode, axes: NDArray[Any], center: Sequence[float]) -> None:
    """Put a slice through `center` (RAS mm) in the plane of `axes` (R, A, S columns) nearest to its own."""
    right, anterior, superior = axes.T
    planes = np.array(
        [(-right, anterior, superior), (-anterior, superior, right), (-right, superior, anterior)]
    )
    matrix = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
    along = planes[:, 2] @ matrix[:3, 2]
    nearest = np.argmax(np.abs(along))
    planes[nearest, 2] *= np.sign(along[nearest])  # scrolling keeps its direction
    matrix[:3, :3] = planes[nearest].T
    matrix[:3, 3] = center
    node.GetSliceToRAS().DeepCopy(matrix.ravel())
    node.UpdateMatrices()
