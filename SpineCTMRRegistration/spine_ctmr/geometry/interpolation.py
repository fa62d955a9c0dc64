"""Values of an image between its voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .grid import Grid, Points


def values_at(array: NDArray[Any], grid: Grid, points: Points) -> NDArray[np.float32]:
    """Trilinear values (...) of an array (z, y, x) at LPS points (..., 3); outside, those at the border."""
    where = np.moveaxis(grid.to_indices(points)[..., ::-1], -1, 0)
    return np.asarray(ndimage.map_coordinates(array, where, np.float32, order=1, mode="nearest"))
