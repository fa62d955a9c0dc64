"""Mend a displacement field where its trilinear interpolant folds: between bones that nearly touch.

The interpolant is positive at a corner of a cell when the three edges that meet there span a positive
volume; a field with only such corners has no fold at any node by central differences either, because
that determinant is the mean of the eight corner determinants around the node. Folded corners are
brought to a small positive volume by moving as few nodes as possible (after Karacali and Davatzikos
2004, IEEE TMI 23:870).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, generate_binary_structure
from scipy.optimize import minimize

from ..process.threads import single_blas_thread

SMALLEST_DETERMINANT = 0.05
"""Corners below this are mended."""
MENDED_DETERMINANT = 0.1
"""What mended corners strive for."""
SAFE_STRETCH = 0.36
"""Sum of squared edge differences below which no corner can be under `SMALLEST_DETERMINANT`:
det(I + G) >= (1 - |G|)^3 and (1 - 0.6)^3 = 0.064."""
SLAB_LAYERS = 32
"""Looked at together, to spare memory."""
KEPT_VOXELS = (1.5, 0.5, 0.0, 0.0)
"""By round, nodes closer than this to bone do not move; the cores of the bones have negative distances.
After the last they move too, at a fold: the bones penetrate each other there."""
ANCHOR = 1e-4
"""Weight of the squared displacement of a moved node, in voxels, against squared determinants."""

SIGNS = np.array([(x, y, z) for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)])


@dataclass(frozen=True)
class Corners:
    """Corners of cells.

    Attributes:
        nodes: (n, 4) flat indices of the corner and its neighbours along x, y, z.
        signs: (n, 3) float32, +1 or -1: on which side of the corner those neighbours lie.
    """

    nodes: NDArray[Any]
    signs: NDArray[Any]

    def where(self, chosen: NDArray[Any]) -> Corners:
        """The corners of a mask (n,)."""
        return Corners(self.nodes[chosen], self.signs[chosen])


def untangle(
    field: NDArray[Any], distance: NDArray[Any], spacing_mm: float, rounds: int = 10
) -> NDArray[np.int64]:
    """Mend a field's folds in place.

    Nodes near bone keep their displacement, unless a fold cannot be mended without them (`KEPT_VOXELS`).

    Args:
        field: (z, y, x, 3) float32, C-contiguous, mm along the axes of an isotropic grid.
        distance: (z, y, x) mm from bone.
        spacing_mm: of the grid.
        rounds: how often to try.

    Returns:
        Flat indices of the nodes that moved.
    """
    shape, flat = distance.shape, field.reshape(-1, 3)
    suspects = _strained(field, spacing_mm)
    moved = np.empty(0, np.int64)
    voxels_from_bone = distance / np.float32(spacing_mm)
    for number in range(rounds):
        folded = _folded(suspects, flat, shape, spacing_mm)
        if not len(folded.nodes):
            break
        free = _free_nodes(folded, voxels_from_bone, number)
        _relax(flat, free, shape, spacing_mm)
        moved = np.union1d(moved, free)
        suspects = np.union1d(folded.nodes[:, 0], _beside(free, shape, 1))
    return moved


def _strained(field: NDArray[Any], spacing_mm: float) -> NDArray[np.int64]:
    """Flat indices of the nodes, not on the border, at which a corner may fold."""
    depth, rows, columns = field.shape[:3]
    found = []
    for first in range(0, depth - 2, SLAB_LAYERS):
        layers = field[first : min(first + SLAB_LAYERS, depth - 2) + 2]
        found.append(_strained_within(layers, spacing_mm) + first * rows * columns)
    return np.concatenate(found)


def _strained_within(field: NDArray[Any], spacing_mm: float) -> NDArray[np.int64]:
    """The same of a few layers, without the first and last of them."""
    here = torch.from_numpy(field)
    total = torch.zeros(here.shape[:3])
    for axis in range(3):
        x, y, z = (component.diff(dim=axis).square_() for component in here.unbind(-1))
        square = x.add_(y).add_(z)
        largest = torch.zeros_like(total)
        largest.narrow(axis, 0, square.shape[axis]).copy_(square)
        behind = largest.narrow(axis, 1, square.shape[axis])
        torch.maximum(behind, square, out=behind)
        total += largest
    strained = (total[1:-1, 1:-1, 1:-1] > SAFE_STRETCH * spacing_mm**2).nonzero() + 1
    return np.asarray(np.ravel_multi_index(tuple(strained.numpy().T), field.shape[:3]))


def _folded(
    nodes: NDArray[np.int64], flat: NDArray[Any], shape: tuple[int, ...], spacing_mm: float
) -> Corners:
    """The corners at nodes whose determinant is below `SMALLEST_DETERMINANT`."""
    here = flat[nodes].T
    edges = {}
    for axis, step in enumerate(_strides(shape)):
        for sign in (-1, 1):
            edge = (flat[nodes + sign * step].T - here) * (sign / spacing_mm)
            edge[axis] += 1
            edges[axis, sign] = edge
    found = []
    for x, y, z in SIGNS:
        a, b, c = edges[0, x], edges[1, y], edges[2, z]
        determinant = a[0] * (b[1] * c[2] - b[2] * c[1])
        determinant -= a[1] * (b[0] * c[2] - b[2] * c[0])
        determinant += a[2] * (b[0] * c[1] - b[1] * c[0])
        found.append(nodes[determinant < SMALLEST_DETERMINANT])
    return _at(found, shape)


def _strides(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Steps of a flat index along x, y, z."""
    return np.array([1, shape[2], shape[1] * shape[2]])


def _corners(nodes: NDArray[np.int64], shape: tuple[int, ...]) -> Corners:
    """All cell corners at nodes that are not on the border."""
    return _at([nodes] * len(SIGNS), shape)


def _at(nodes: list[NDArray[np.int64]], shape: tuple[int, ...]) -> Corners:
    """The corners at nodes, given for each of `SIGNS`."""
    neighbours = [
        np.column_stack([here, here[:, None] + sign * _strides(shape)])
        for here, sign in zip(nodes, SIGNS, strict=True)
    ]
    signs = np.repeat(SIGNS, [len(here) for here in nodes], axis=0).astype(np.float32)
    return Corners(np.concatenate(neighbours), signs)


def _edges(values: NDArray[Any], at: NDArray[np.int64], signs: NDArray[Any]) -> NDArray[Any]:
    """The edges (3, 3, n) of p + u(p) in voxels: by neighbour, then component.

    Args:
        values: (3, m) u in voxels.
        at: (4, n) columns of `values`: a corner and its neighbours along x, y, z.
        signs: (3, n) on which side of the corner those lie.
    """
    u = values.take(at, axis=1)
    edges = (u[:, 1:] - u[:, :1]).transpose(1, 0, 2) * signs[:, None]
    for axis in range(3):
        edges[axis, axis] += 1
    return edges


def _cross(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Cross products (3, n); numpy's own is several times slower."""
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _beside(nodes: NDArray[np.int64], shape: tuple[int, ...], reach: int) -> NDArray[np.int64]:
    """Nodes within `reach` steps, not counting those on the border."""
    if not len(nodes):
        return nodes
    place = np.stack(np.unravel_index(nodes, shape), 1)
    low = np.maximum(place.min(0) - reach - 1, 0)
    high = np.minimum(place.max(0) + reach + 2, shape)
    part = np.zeros(high - low, bool)
    part[tuple((place - low).T)] = True
    part = binary_dilation(part, generate_binary_structure(3, 3), reach) if reach else part
    found = np.argwhere(part) + low
    inner = ((found > 0) & (found < np.array(shape) - 1)).all(1)
    return np.ravel_multi_index(tuple(found[inner].T), shape)


def _free_nodes(folded: Corners, voxels_from_bone: NDArray[Any], number: int) -> NDArray[np.int64]:
    """Nodes near folds that may move in a round."""
    at_fold = np.unique(folded.nodes)
    near = _beside(at_fold, voxels_from_bone.shape, 1 + number % 2)
    kept = KEPT_VOXELS[min(number, len(KEPT_VOXELS) - 1)]
    free = near[voxels_from_bone.ravel()[near] >= kept]
    if number >= len(KEPT_VOXELS):
        free = np.union1d(free, _beside(at_fold, voxels_from_bone.shape, number - len(KEPT_VOXELS)))
    return free


def _relax(flat: NDArray[Any], free: NDArray[np.int64], shape: tuple[int, ...], spacing_mm: float) -> None:
    """Move free nodes until no corner around them is below `MENDED_DETERMINANT`, as little as possible."""
    if not len(free):
        return
    corners = _corners(_beside(free, shape, 1), shape)
    is_free = free[np.searchsorted(free, corners.nodes).clip(max=len(free) - 1)] == corners.nodes
    corners = corners.where(is_free.any(1))
    nodes, place = np.unique(corners.nodes, return_inverse=True)
    at = np.ascontiguousarray(place.reshape(-1, 4).T)
    signs = np.ascontiguousarray(corners.signs.T)
    moving = np.searchsorted(nodes, free)
    values = np.ascontiguousarray(flat[nodes].T) / np.float32(spacing_mm)
    start = values[:, moving].astype(np.float64)

    def energy(parameters: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        shift = parameters.reshape(3, -1)
        values[:, moving] = start + shift
        edges = _edges(values, at, signs)
        lack = MENDED_DETERMINANT - (edges[0] * _cross(edges[1], edges[2])).sum(0)
        folded = np.flatnonzero(lack > 0)
        lack, (a, b, c) = lack[folded].astype(np.float64), edges[..., folded]
        pull = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)]) * (-2 * lack * signs[:, folded])[:, None]
        slope = np.concatenate([-pull.sum(0, keepdims=True), pull])
        index = at[:, folded].ravel()
        gradient = [np.bincount(index, slope[:, k].ravel(), len(nodes))[moving] for k in range(3)]
        value = float(lack @ lack) + ANCHOR * float(np.square(shift).sum())
        return value, (np.stack(gradient) + 2 * ANCHOR * shift).ravel()

    with single_blas_thread():
        best = minimize(energy, np.zeros(start.size), jac=True, method="L-BFGS-B", options={"maxiter": 30})
    flat[free] = spacing_mm * (start + best.x.reshape(3, -1)).T
