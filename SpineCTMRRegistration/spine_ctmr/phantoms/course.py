"""The spine's course: bodies, canal and trunk as smooth curves along the height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

_STEP_MM = 2.0
_BEYOND_MM = 400.0
_NUMBER_ALONG = {26: 25.6, 28: 19.5}
"""Where the sacrum and T13 lie between the other VerSe numbers."""


@dataclass(frozen=True)
class Place:
    """What lies at the height of n points; all (n,) tensors.

    Attributes:
        body_x, body_y: middle of the vertebral bodies, LPS mm.
        canal_x, canal_y: middle of the canal, LPS mm.
        canal_radius: mm.
        canal_slope: cosine of the canal's tilt forward or backward.
        trunk_x, trunk_y: a stiffer curve that skin and muscles follow, LPS mm.
        level: VerSe number, continuous between the vertebrae.
        size: of the trunk relative to the abdomen; the neck is narrow.
    """

    body_x: torch.Tensor
    body_y: torch.Tensor
    canal_x: torch.Tensor
    canal_y: torch.Tensor
    canal_radius: torch.Tensor
    canal_slope: torch.Tensor
    trunk_x: torch.Tensor
    trunk_y: torch.Tensor
    level: torch.Tensor
    size: torch.Tensor


@dataclass(frozen=True)
class Course:
    """Curves sampled from `bottom` mm upwards; `rows` are those of `Place`."""

    bottom: float
    rows: NDArray[Any]

    def at(self, z: torch.Tensor) -> Place:
        """The curves at heights (n,) in LPS mm."""
        table = torch.tensor(self.rows, dtype=torch.float32, device=z.device)
        place = ((z - self.bottom) / _STEP_MM).clamp(0, table.shape[1] - 1.001)
        low = place.long()
        share = place - low
        return Place(*(torch.lerp(row[low], row[low + 1], share) for row in table))


def course_of(
    centers: NDArray[Any], numbers: Sequence[int], canal: Sequence[tuple[NDArray[Any], float]]
) -> Course:
    """The course through body centres (n, 3) of the given levels and canal points with their radii."""
    z = np.arange(centers[:, 2].min() - _BEYOND_MM, centers[:, 2].max() + _BEYOND_MM, _STEP_MM)
    body = _smooth(z, centers[:, 2], centers[:, :2], 3.0)
    nodes = np.array([place for place, _ in canal])
    tube = _smooth(z, nodes[:, 2], nodes[:, :2], 3.0, straight_on=True)
    radius = _smooth(z, nodes[:, 2], np.array([[r] for _, r in canal]), 3.0)
    slope = 1 / np.hypot(1, np.gradient(tube[:, 1], _STEP_MM))
    back = np.concatenate([centers, nodes[nodes[:, 2] < centers[:, 2].min() - 30] - [0, 24.0, 0]])
    trunk = _smooth(z, back[:, 2], back[:, :2], 14.0)
    along = np.array([[_NUMBER_ALONG.get(n, float(n))] for n in numbers])
    level = _smooth(z, centers[:, 2], along, 1.0, straight_on=True)[:, 0]
    size = np.interp(level, [1, 6, 8, 10, 12], [0.46, 0.5, 0.75, 0.95, 1.0])
    rows = [*body.T, *tube.T, radius[:, 0], slope, *trunk.T, level, gaussian_filter1d(size, 6.0)]
    return Course(float(z[0]), np.stack(rows))


def _smooth(
    z: NDArray[Any],
    heights: NDArray[Any],
    values: NDArray[Any],
    sigma: float,
    straight_on: bool = False,
) -> NDArray[Any]:
    """Values (m, k) at heights z, smoothed over `sigma` steps; beyond the ends constant or straight on."""
    order = np.argsort(heights)
    heights, values = heights[order], values[order]
    keep = np.concatenate([[True], np.diff(np.maximum.accumulate(heights)) > 0.5])
    heights, values = heights[keep], values[keep]
    if len(heights) == 1:
        return np.repeat(values, len(z), 0)
    result = PchipInterpolator(heights, values)(z.clip(heights[0], heights[-1]))
    if straight_on:
        first, last = (np.diff(values[e], axis=0)[0] / np.diff(heights[e])[0] for e in (_FIRST, _LAST))
        result += np.minimum(z - heights[0], 0)[:, None] * first
        result += np.maximum(z - heights[-1], 0)[:, None] * last
    return gaussian_filter1d(result, sigma, axis=0, mode="nearest")


_FIRST, _LAST = slice(0, 2), slice(-2, None)
