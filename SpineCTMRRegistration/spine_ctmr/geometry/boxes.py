"""Boxes around a spine, and what lies in them.

Box coordinates are millimetres along the axes of a box's grid, measured from its first node.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from .grid import Grid
from .pose import Pose
from .voxels import array_view

Region = tuple[slice, slice, slice]
"""Part (z, y, x) of a grid's nodes."""
EVERYWHERE: Region = (slice(None), slice(None), slice(None))


def spine_box(
    points: NDArray[Any], spacing_mm: float, margin_mm: float, axes: NDArray[Any], stride: int = 2
) -> Grid:
    """An isotropic grid around LPS `points` (n, 3) with sizes that suit `build_deformation`."""
    box = Grid.around(points, spacing_mm, margin_mm, axes)
    extra = [(1 - n) % stride for n in box.size]
    return box.crop((0, 0, 0), np.add(box.size, extra))


def patient_axes(axes: NDArray[Any]) -> NDArray[Any]:
    """The axes (3, 3) of a grid in the order and direction nearest to left, posterior, superior.

    A box along them is the same in whatever order an image is stored.
    """
    order = max(permutations(range(3)), key=lambda p: sum(abs(axes[k, p[k]]) for k in range(3)))
    turned = axes[:, order]
    return turned * np.where(np.diag(turned) < 0, -1.0, 1.0)


def node_coordinates(
    box: Grid, device: torch.device | str = "cpu", region: Region = EVERYWHERE
) -> torch.Tensor:
    """Box coordinates (mm along the box axes) of all nodes or those of a region, (z, y, x, 3) float32."""
    x, y, z = (
        torch.arange(n, device=device, dtype=torch.float32)[part] * s
        for n, s, part in zip(box.size, box.spacing_mm, region[::-1], strict=True)
    )
    z, y, x = torch.meshgrid(z, y, x, indexing="ij")
    return torch.stack([x, y, z], -1)


def to_box(motion: Pose, box: Grid) -> Pose:
    """A rigid motion in LPS mm, rewritten in box coordinates."""
    frame, back = _frame(box)
    return back @ motion @ frame


def from_box(motion: Pose, box: Grid) -> Pose:
    """A rigid motion in box coordinates, rewritten in LPS mm."""
    frame, back = _frame(box)
    return frame @ motion @ back


def _frame(box: Grid) -> tuple[Pose, Pose]:
    """The motion from box coordinates to LPS mm, and back."""
    frame = Pose.of(box.axes, box.origin_mm)
    return frame, Pose(np.linalg.inv(frame.matrix))


def labels_in_box(labels: sitk.Image, global_rigid: Pose, box: Grid) -> NDArray[Any]:
    """CT labels carried by the global rigid CT→MR motion onto the box, (z, y, x) uint8."""
    reference = box.empty()
    resampled = sitk.Resample(
        labels, reference, global_rigid.inverse.to_sitk(), sitk.sitkNearestNeighbor, 0.0
    )
    return array_view(resampled).copy()
