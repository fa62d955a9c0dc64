"""The histogram of det J in bone (van Ulsen 2022, figure 4.3): its bins. The page draws them as bars."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BIN = 0.01
SHOWN = (0.9, 1.1)
"""Determinants shown; what lies beyond is counted in the outermost bins."""


def bin_shares(values: NDArray[Any]) -> NDArray[np.float64]:
    """Share of `values` (n,) in every bin from 0.9 to 1.1, bins centred at multiples of 0.01."""
    low, high = SHOWN
    count = round((high - low) / BIN) + 1
    index = np.clip(np.rint((values - low) / BIN).astype(int), 0, count - 1)
    return np.bincount(index, minlength=count) / values.size


def describe(values: NDArray[Any]) -> str:
    """Mean and SD in words."""
    return f"mean {values.mean():.3f}, SD {values.std():.3f} over {values.size} bone voxels"
