"""Mend a displacement field where it folds: between bones that nearly touch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, label

from ..imaging.grid import Grid
from ..quality.jacobian import jacobian_determinant

SMALLEST_DETERMINANT = 0.05
"""Nodes below this are smoothed."""


def untangle(
    field: NDArray[Any], fixed: NDArray[Any], box: Grid, rounds: int = 8, sweeps: int = 12
) -> NDArray[Any]:
    """Smooth a field (z, y, x, 3) in mm around its folds, in place; return the nodes that were changed.

    Nodes of `fixed` (z, y, x) keep their displacement. Each fold and the nodes around it take the mean of
    their six neighbours (the harmonic interpolation of what surrounds them), a node further in every round.
    """
    changed = np.zeros(fixed.shape, bool)
    folded = jacobian_determinant(field, box) < SMALLEST_DETERMINANT
    for number in range(rounds):
        if not folded.any():
            break
        reach = 2 + number // 2
        groups, _ = label(binary_dilation(folded, iterations=reach))
        folded = np.zeros_like(folded)
        for where in find_objects(groups):
            around = tuple(slice(max(s.start - 2, 0), s.stop + 2) for s in where)
            free = (groups[around] > 0) & ~fixed[around]
            part = field[around]
            _relax(part, free, sweeps)
            changed[around] |= free
            start = [s.start for s in around][::-1]
            grid = box.crop(start, part.shape[2::-1])
            folded[around] |= jacobian_determinant(part, grid) < SMALLEST_DETERMINANT
    return changed


def _relax(field: NDArray[Any], free: NDArray[Any], sweeps: int) -> None:
    """Replace free nodes, not those on the border, by the mean of their neighbours, `sweeps` times."""
    inner = (slice(1, -1),) * 3
    free = free[inner]
    for _ in range(sweeps):
        total = np.zeros_like(field[inner])
        for axis in range(3):
            for step in (0, 2):
                window = [slice(1, -1)] * 3
                window[axis] = slice(step, field.shape[axis] - 2 + step)
                total += field[tuple(window)]
        field[inner][free] = total[free] / 6
