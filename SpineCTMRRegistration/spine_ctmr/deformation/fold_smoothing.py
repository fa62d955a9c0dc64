"""Smooth a motion where it folds or tears over many nodes: where the images' motion ends abruptly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, label

from ..geometry.grid import Grid
from ..geometry.jacobian import jacobian_determinant

SMALLEST_DETERMINANT, LARGEST_DETERMINANT = 0.3, 3.0
"""Nodes beyond these are smoothed; outside them the inverse is not well represented either."""
ROUNDS = 8
SWEEPS = 12


def smooth_folds(field: NDArray[Any], fixed: NDArray[Any], grid: Grid) -> None:
    """Smooth a displacement (z, y, x, 3) in mm around its folds, in place.

    Nodes of `fixed` (z, y, x) keep their displacement. Each fold and the nodes around it take the mean of
    their six neighbours (the harmonic interpolation of what surrounds them), a node further in every
    second round.
    """
    folded = _extreme(field, grid)
    for number in range(ROUNDS):
        if not folded.any():
            break
        groups, _ = label(binary_dilation(folded, iterations=2 + number // 2))
        folded = np.zeros_like(folded)
        for where in find_objects(groups):
            around = tuple(slice(max(s.start - 2, 0), s.stop + 2) for s in where)
            part = field[around]
            _relax(part, (groups[around] > 0) & ~fixed[around])
            part_grid = grid.crop([s.start for s in around][::-1], part.shape[2::-1])
            folded[around] |= _extreme(part, part_grid)


def _extreme(field: NDArray[Any], grid: Grid) -> NDArray[np.bool_]:
    determinant = jacobian_determinant(field, grid)
    return (determinant < SMALLEST_DETERMINANT) | (determinant > LARGEST_DETERMINANT)


def _relax(field: NDArray[Any], free: NDArray[Any]) -> None:
    """Replace free nodes, not those on the border, by the mean of their neighbours, `SWEEPS` times."""
    inner = (slice(1, -1),) * 3
    free = free[inner]
    for _ in range(SWEEPS):
        total = np.zeros_like(field[inner])
        for axis in range(3):
            for step in (0, 2):
                window = [slice(1, -1)] * 3
                window[axis] = slice(step, field.shape[axis] - 2 + step)
                total += field[tuple(window)]
        field[inner][free] = total[free] / 6
