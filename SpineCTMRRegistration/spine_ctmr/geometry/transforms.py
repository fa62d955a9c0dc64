"""Points through SimpleITK's transforms."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray


def map_points(transform: sitk.Transform, points: ArrayLike) -> NDArray[np.float64]:
    """LPS points (n, 3) moved by a transform."""
    moved = [transform.TransformPoint(point) for point in np.asarray(points, float).tolist()]
    return np.array(moved, float).reshape(-1, 3)
