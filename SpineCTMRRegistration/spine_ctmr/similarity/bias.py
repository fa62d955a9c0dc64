"""The slow change of brightness over an MR, by the coils' sensitivity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

WIDTH_MM = 12.0
"""Wider leaves more of the bias: on the development cases 6 to 12 mm serve alike, 20 mm less."""
LEAST_AMOUNT = 1e-3
"""Share of known tissue around a voxel, below which nothing is said of it."""
TISSUES_HU = ((-150.0, -30.0), (-30.0, 120.0))
"""Fat, and all other soft tissue: each looks alike in an MR but for bias, texture and partial volume."""


def without_bias(
    mr: NDArray[Any], ct: NDArray[Any], seen: NDArray[np.bool_], spacing_mm: float
) -> NDArray[np.float32]:
    """An MR (z, y, x) divided by how its brightness changes within each kind of tissue.

    Homomorphic filtering (Guillemaud 1998, ICIP): the logarithm less the median of its tissue, smoothed.
    The CT tells the tissue, so that a fat back is not taken for a near coil.

    Args:
        mr: (z, y, x).
        ct: (z, y, x) HU, about where the MR shows the same.
        seen: (z, y, x) voxels of which both images tell.
        spacing_mm: of the grid.
    """
    logarithm = np.log(np.maximum(mr, np.finfo(np.float32).tiny), dtype=np.float32)
    known = np.zeros(mr.shape, np.float32)
    change = np.zeros(mr.shape, np.float32)
    for low, high in TISSUES_HU:
        tissue = seen & (mr > 0) & (ct >= low) & (ct < high)
        if tissue.any():
            known[tissue] = 1
            change[tissue] = logarithm[tissue] - np.median(logarithm[tissue])
    width = WIDTH_MM / spacing_mm
    amount = gaussian_filter(known, width, truncate=2.5)
    slow = gaussian_filter(change, width, truncate=2.5) / np.maximum(amount, LEAST_AMOUNT)
    return np.asarray(mr * np.exp(-np.where(amount > LEAST_AMOUNT, slow, 0)), np.float32)
