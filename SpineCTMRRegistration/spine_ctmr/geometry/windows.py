"""Weights that rise smoothly from 0 to 1."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from numpy.typing import NDArray

from .grid import Grid

Share = TypeVar("Share", torch.Tensor, NDArray[Any])


def smoothstep(share: Share) -> Share:
    """0 at 0 and 1 at 1 with no slope at either end; for shares in [0, 1], any shape."""
    return share * share * (3 - 2 * share)


def border_window(grid: Grid, width_mm: float) -> torch.Tensor:
    """1 inside a grid, falling smoothly to 0 at its border over `width_mm`, (z, y, x)."""
    z, y, x = (smoothstep(ramp) for ramp in border_ramps(grid, width_mm))
    return z * y * x


def border_ramps(grid: Grid, width_mm: float, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """For every axis of a grid, 0 at its two ends and 1 from `width_mm` inward.

    The three broadcast over (z, y, x); times each other they fall to 0 at the whole border.
    """
    ramps = []
    for axis, (n, s) in enumerate(zip(grid.shape, grid.spacing_mm[::-1], strict=True)):
        index = torch.arange(n, dtype=dtype)
        ramp = (torch.minimum(index, n - 1 - index) * s / width_mm).clamp(0, 1)
        ramps.append(ramp.reshape([-1 if a == axis else 1 for a in range(3)]))
    return ramps
