"""Coordinates of a tensor grid that is fine around the spine and coarse far from it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_GROWTH, _LARGEST_MM = 1.35, 10.0


def graded_axis(fine: tuple[float, float], whole: tuple[float, float], step_mm: float) -> NDArray[Any]:
    """Ascending coordinates in mm with `step_mm` between them from `fine[0]` to `fine[1]`.

    Beyond, the steps grow to 10 mm until the `whole` range is covered.
    """
    low, high = max(fine[0], whole[0]), min(fine[1], whole[1])
    inner = low + step_mm * np.arange(max(int(np.ceil((high - low) / step_mm)), 1) + 1)
    below = _grown(low - whole[0], step_mm)
    above = _grown(whole[1] - inner[-1], step_mm)
    return np.concatenate([low - below[::-1], inner, inner[-1] + above])


def _grown(length_mm: float, step_mm: float) -> NDArray[Any]:
    """Distances of growing steps that cover a length."""
    places, step = [0.0], step_mm
    while places[-1] < length_mm - 1e-6:
        step = min(step * _GROWTH, _LARGEST_MM)
        places.append(places[-1] + step)
    return np.array(places[1:])


def indices_on(axis: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    """Continuous indices of places on an ascending axis; beyond its ends those of the ends."""
    return np.interp(places, axis, np.arange(len(axis)))
