"""Visual checks of a result, on the slice views that are given. The layout is never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .results_in_scene import ResultNodes

if TYPE_CHECKING:
    import slicer


@dataclass(frozen=True)
class SliceView:
    """One slice view: its slice node (geometry) and composite node (layers)."""

    slice_node: slicer.vtkMRMLSliceNode
    composite: slicer.vtkMRMLSliceCompositeNode


def slice_views(scene: slicer.vtkMRMLScene) -> list[SliceView]:
    """All slice views of a scene."""
    raise NotImplementedError


def show_fused(
    views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode,
    opacity: float = 0.5,
) -> None:
    """The registered CT over the MR in linked views."""
    raise NotImplementedError


def set_foreground_opacity(views: Sequence[SliceView], opacity: float) -> None:
    """Opacity of what lies over the MR, 0 to 1; for a slider."""
    raise NotImplementedError


def show_before(
    views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    ct: slicer.vtkMRMLScalarVolumeNode,
    table: slicer.vtkMRMLTableNode,
) -> None:
    """The CT at the rigid start of the registration over the MR, at the present opacity.

    `show_after` (or `show_fused`) shows the registered CT again. The CT node is not touched.
    """
    raise NotImplementedError


def show_after(
    views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    ct_in_mr: slicer.vtkMRMLScalarVolumeNode,
) -> None:
    """The registered CT over the MR, at the present opacity; removes what `show_before` made."""
    raise NotImplementedError


def show_contours(segmentation: slicer.vtkMRMLSegmentationNode, visible: bool = True) -> None:
    """The outlines of the moved vertebrae in all slice views."""
    raise NotImplementedError


def show_heatmap(
    views: Sequence[SliceView],
    mr: slicer.vtkMRMLScalarVolumeNode,
    jacobian: slicer.vtkMRMLScalarVolumeNode,
    opacity: float = 0.6,
) -> None:
    """The Jacobian heatmap over the MR, with its colour legend where Slicer has one."""
    raise NotImplementedError


def show_grid(
    transform: slicer.vtkMRMLTransformNode, mr: slicer.vtkMRMLScalarVolumeNode, visible: bool = True
) -> None:
    """The deformation as a warped grid in the slice views, over the MR's field of view."""
    raise NotImplementedError


def jump_to_vertebra(views: Sequence[SliceView], result: ResultNodes, name: str) -> None:
    """Centre the slices on a moved vertebra and turn them along its axes.

    Each view takes the plane of the vertebra (axial, sagittal or coronal) nearest to its present one.

    Raises:
        InputError: the result has no such vertebra.
    """
    raise NotImplementedError


def reset_orientation(views: Sequence[SliceView]) -> None:
    """Turn the slices back to the patient's axes, at the same place."""
    raise NotImplementedError
