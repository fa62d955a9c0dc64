"""Slices through a vertebra of a result. The layout is never changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray
from spine_ctmr.errors import InputError

from .result_nodes import FRAME, ResultNodes
from .views import SliceView

SEEN_MM = 15.0
"""A slice this far from a body centre still cuts the vertebra well."""


def center_on_vertebra(views: Sequence[SliceView], result: ResultNodes, name: str) -> None:
    """Centre the slices on a moved vertebra; they keep their orientation.

    Raises:
        InputError: the result has no such vertebra.
    """
    for view in views:
        view.slice_node.JumpSliceByCentering(*_frame_of(result, name)["center"])


def jump_to_vertebra(views: Sequence[SliceView], result: ResultNodes, name: str) -> None:
    """Centre the slices on a moved vertebra and turn them along its axes.

    Each view takes the plane of the vertebra (axial, sagittal or coronal) nearest to its present one.

    Raises:
        InputError: the result has no such vertebra.
    """
    frame = _frame_of(result, name)
    for view in views:
        _orient(view.slice_node, np.array(frame["axes"]), frame["center"])


def bring_into_view(views: Sequence[SliceView], result: ResultNodes) -> None:
    """Centre those slices on the vertebra in the middle that show none of the result's vertebrae.

    They stay as they are when the vertebrae's transforms were deleted.
    """
    frames = [json.loads(pose.GetAttribute(FRAME)) for pose in result.vertebra_transforms.values()]
    if not frames:
        return
    centers = np.array([frame["center"] for frame in frames])
    for view in views:
        if not _shows_one_of(view.slice_node, centers):
            view.slice_node.JumpSliceByCentering(*centers[len(centers) // 2])


def reset_orientation(views: Sequence[SliceView]) -> None:
    """Turn the slices back to the patient's axes, at the same place."""
    for view in views:
        matrix = slicer.util.arrayFromVTKMatrix(view.slice_node.GetSliceToRAS())
        _orient(view.slice_node, np.eye(3), matrix[:3, 3])


def _frame_of(result: ResultNodes, name: str) -> dict[str, Any]:
    node = result.vertebra_transforms.get(name)
    if node is None:
        raise InputError(f"The result has no vertebra {name}; choose one of its table.")
    return json.loads(node.GetAttribute(FRAME))


def _shows_one_of(node: slicer.vtkMRMLSliceNode, points: NDArray[Any]) -> bool:
    """Whether one of the points (n, 3), RAS mm, lies near the slice and inside of what the view shows."""
    to_slice = np.linalg.inv(slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()))
    right, up, through = (points @ to_slice[:3, :3].T + to_slice[:3, 3]).T
    width, height, _ = node.GetFieldOfView()
    inside = (np.abs(right) < width / 2) & (np.abs(up) < height / 2)
    return bool((inside & (np.abs(through) < SEEN_MM)).any())


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
