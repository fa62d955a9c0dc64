"""Overlap, volume and landmark errors, in millimetres whatever the grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from ..geometry.grid import Points
from ..geometry.pose import Pose
from ..geometry.transforms import map_points

PointMap: TypeAlias = sitk.Transform | Callable[[Points], Points] | Pose
"""An ITK transform, a function of LPS points (n, 3), or a rigid motion of them."""


@dataclass(frozen=True)
class Statistics:
    """A sample in a few numbers; NaN throughout when it is empty.

    Attributes:
        count: finite values.
        sd: standard deviation of the sample (n - 1); NaN for a single value.
        q1, q3: 25th and 75th percentile; p95 the 95th; all linearly interpolated.
    """

    count: int
    mean: float
    sd: float
    median: float
    q1: float
    q3: float
    p95: float
    max: float


def statistics(values: ArrayLike) -> Statistics:
    """Count, mean, spread and upper end of the finite `values` (any shape)."""
    sample = np.asarray(values, float).ravel()
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return Statistics(0, *[float("nan")] * 7)
    return Statistics(
        count=int(sample.size),
        mean=float(sample.mean()),
        sd=float(sample.std(ddof=1)) if sample.size > 1 else float("nan"),
        median=float(np.median(sample)),
        q1=float(np.percentile(sample, 25)),
        q3=float(np.percentile(sample, 75)),
        p95=float(np.percentile(sample, 95)),
        max=float(sample.max()),
    )


def dice(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Dice overlap of two masks of one shape, in [0, 1]; NaN when both are empty."""
    a, b = np.asarray(a, bool), np.asarray(b, bool)
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 2.0 * np.count_nonzero(a & b) / total if total else float("nan")


def precision(found: NDArray[Any], true: NDArray[Any]) -> float:
    """Share of a mask that lies in the true one, in [0, 1]; NaN when it is empty."""
    found, true = np.asarray(found, bool), np.asarray(true, bool)
    total = np.count_nonzero(found)
    return np.count_nonzero(found & true) / total if total else float("nan")


def recall(found: NDArray[Any], true: NDArray[Any]) -> float:
    """Share of the true mask that another covers, in [0, 1]; NaN when it is empty."""
    return precision(true, found)


def volume_change_percent(before_mm3: float, after_mm3: float) -> float:
    """Signed change of a volume in percent of `before_mm3`; NaN when that is zero."""
    return 100.0 * (after_mm3 / before_mm3 - 1.0) if before_mm3 else float("nan")


def tre(points_fixed: ArrayLike, points_moving: ArrayLike, transform: PointMap) -> NDArray[np.float64]:
    """Target registration error of each landmark pair, mm (n,).

    Args:
        points_fixed: LPS mm (n, 3) in the fixed image (MR).
        points_moving: LPS mm (n, 3), the same tissue in the moving image (CT).
        transform: fixed to moving (`mr_to_ct`); errors are measured in the moving image.
    """
    fixed = np.asarray(points_fixed, float).reshape(-1, 3)
    moving = np.asarray(points_moving, float).reshape(-1, 3)
    return np.linalg.norm(_moved(fixed, transform) - moving, axis=1)


def _moved(points: Points, transform: PointMap) -> Points:
    if isinstance(transform, sitk.Transform):
        return map_points(transform, points)
    if isinstance(transform, Pose):
        return transform.apply(points)
    return np.asarray(transform(points), float)
