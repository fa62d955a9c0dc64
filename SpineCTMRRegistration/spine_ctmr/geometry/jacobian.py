"""How a displacement field changes volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .grid import Grid, Points
from .sampling import value_and_gradient

SLAB_VOXELS = 400_000
"""Voxels computed at once: temporaries stay near 30 MB and in reach of the cache."""


def jacobian_determinant(displacement: NDArray[Any], grid: Grid) -> NDArray[np.float32]:
    """Determinant of the spatial derivative of x -> x + u(x), in world space.

    With A the matrix from index to mm and G the derivative of u along the index axes,
    det(I + G A^-1) = det(A + G) / det(A); so spacing, direction, flips and handedness are all
    accounted for. Derivatives are central differences, one-sided at the border; an axis with a
    single voxel has none.

    Args:
        displacement: u (z, y, x, 3) in LPS mm, components (x, y, z).
        grid: the grid that u is sampled on.

    Returns:
        det J (z, y, x), float32: moving volume per fixed volume; 1 = kept, <= 0 = folded.
    """
    if displacement.shape != (*grid.shape, 3):
        raise ValueError(f"The displacement has shape {displacement.shape}, not {(*grid.shape, 3)}.")
    depth = grid.shape[0]
    thickness = max(1, SLAB_VOXELS // (grid.shape[1] * grid.shape[2]))
    result = np.empty(grid.shape, np.float32)
    for start in range(0, depth, thickness):
        stop = min(start + thickness, depth)
        below, above = max(start - 1, 0), min(stop + 1, depth)
        slab = np.moveaxis(displacement[below:above], -1, 0).astype(np.float32, order="C")
        inner = slice(start - below, stop - below)
        result[start:stop] = _determinant(slab, inner, grid.index_to_point[:3, :3])
    return result


def determinant_at(displacement: NDArray[Any], grid: Grid, points: Points) -> NDArray[np.float64]:
    """det J (n,) of the transform as software applies it: linear interpolation between the nodes.

    Exact inside each grid cell, where differences between nodes would mix neighbouring cells.

    Args:
        displacement: u (z, y, x, 3) in LPS mm.
        grid: of the displacement.
        points: LPS mm (n, 3); outside the grid nothing moves, so det J = 1.
    """
    index = grid.to_indices(points)
    slopes = value_and_gradient(
        torch.as_tensor(np.ascontiguousarray(displacement), dtype=torch.float32),
        torch.as_tensor(index, dtype=torch.float32),
    )[1]
    axes = grid.index_to_point[:3, :3]
    derivative = torch.stack(slopes, -1).double().numpy() + axes
    determinant = np.linalg.det(derivative) / np.linalg.det(axes)
    inside = np.all((index >= 0) & (index <= np.asarray(grid.size) - 1), -1)
    return np.where(inside, determinant, 1.0)


def folding_count(determinant: NDArray[Any], mask: NDArray[Any] | None = None) -> int:
    """Voxels whose determinant (z, y, x) is not positive, within `mask` if given."""
    folded = ~(determinant > 0)
    return int(np.count_nonzero(folded if mask is None else folded & np.asarray(mask, bool)))


def sd_log_jacobian(determinant: NDArray[Any], mask: NDArray[Any] | None = None) -> float:
    """Standard deviation of ln(det J) over the voxels that do not fold, within `mask` if given."""
    values = determinant if mask is None else determinant[np.asarray(mask, bool)]
    values = values[values > 0]
    return float(np.log(values, dtype=np.float64).std()) if values.size else float("nan")


def sd_log_jacobian_learn2reg(determinant: NDArray[Any], mask: NDArray[Any] | None = None) -> float:
    """std(log(clip(det J + 3, 1e-9, 1e9))): about four times too small; only to compare with papers.

    This is what the Learn2Reg evaluation and Jian et al. (2022) print as SDlogJ.
    """
    values = determinant if mask is None else determinant[np.asarray(mask, bool)]
    if not values.size:
        return float("nan")
    return float(np.log(np.clip(values + 3.0, 1e-9, 1e9), dtype=np.float64).std())


def _determinant(slab: NDArray[Any], inner: slice, axes_mm: NDArray[Any]) -> NDArray[Any]:
    """Determinant on the slices `inner` of u (3, z, y, x); `axes_mm` (3, 3) holds A."""
    columns = []
    for k in range(3):
        column = _difference(slab, 3 - k)[:, inner]
        for i in range(3):
            column[i] += np.float32(axes_mm[i, k])
        columns.append(column)
    (a, b, c), (d, e, f), (g, h, i) = columns
    volume = a * (e * i - f * h)
    volume -= b * (d * i - f * g)
    volume += c * (d * h - e * g)
    volume /= np.float32(np.linalg.det(axes_mm))
    return volume


def _difference(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Derivative per index step along `axis`: central inside, one-sided at both ends."""
    result = np.zeros_like(values)
    count = values.shape[axis]
    if count < 2:
        return result
    source, target = np.moveaxis(values, axis, 0), np.moveaxis(result, axis, 0)
    np.subtract(source[2:], source[:-2], out=target[1:-1])
    target[1:-1] *= 0.5
    target[0] = source[1] - source[0]
    target[-1] = source[-1] - source[-2]
    return result
