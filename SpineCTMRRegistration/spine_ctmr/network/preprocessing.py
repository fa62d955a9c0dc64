"""Intensities of CT and MR as the network expects them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CT_RANGE_HU = (-1000.0, 2000.0)
MR_PERCENTILES = (1.0, 99.0)

PREPROCESSING: dict[str, list[float]] = {
    "ct_range_hu": list(CT_RANGE_HU),
    "mr_percentiles_of_nonzero": list(MR_PERCENTILES),
}
"""What `scale_ct` and `scale_mr` do, as written in every network's card."""


def scale_ct(hounsfield: NDArray[Any]) -> NDArray[np.float32]:
    """CT clipped to [-1000, 2000] HU and mapped to [0, 1] (Jian et al. 2022); any shape."""
    return _scaled(hounsfield, *CT_RANGE_HU)


def scale_mr(intensities: NDArray[Any]) -> NDArray[np.float32]:
    """MR mapped to [0, 1] from the 1st to the 99th percentile of its non-zero voxels; any shape.

    Zero is what scanners and resampling write outside the field of view. A constant image gives 0.
    """
    tissue = intensities[np.isfinite(intensities) & (intensities != 0)]
    if tissue.size == 0:
        return np.zeros(intensities.shape, np.float32)
    low, high = np.percentile(tissue, MR_PERCENTILES)
    return _scaled(intensities, float(low), float(high))


def _scaled(values: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    if high <= low:
        return np.zeros(values.shape, np.float32)
    finite = np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low)
    return np.clip((finite - np.float32(low)) / np.float32(high - low), 0, 1)
