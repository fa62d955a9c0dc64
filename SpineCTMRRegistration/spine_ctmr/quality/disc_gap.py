"""The gap between the labels of two neighbouring vertebrae, which is the CT's disc."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.grid import Points

NAN = float("nan")
STEP_MM, LINE_MM = 0.2, 1.0
"""Between the samples of a line, and between the lines."""
RADIUS = 0.2
"""Of the bundle of lines: share of the distance between the bodies' middles."""
TURNS = 2
"""How often the bundle is laid anew at right angles to the gap."""
COVERED = 0.9
"""Share of the lines that must meet both bones, and that the MR must show at a place."""
MARROW_MM = 3.0
"""Least length of marrow on either side."""
Values = Callable[[Points], NDArray[Any]]
"""Values (...) at LPS points (..., 3) of the MR's frame; NaN where there is none."""


@dataclass(frozen=True)
class Bundle:
    """Parallel lines across a disc, in the MR's frame.

    Attributes:
        middle: LPS point (3,), the zero of all places.
        axis: unit vector (3,) to cranial.
        length_mm: of the lines, half of it to cranial of the middle.
    """

    middle: Points
    axis: Points
    length_mm: float

    @classmethod
    def between(cls, ends: Points, middle: Points, direction: Points) -> Bundle:
        """The lines along a direction that go from a middle as far as to the nearer of two ends (2, 3)."""
        axis = direction / np.linalg.norm(direction)
        return cls(middle, axis, 2 * float(np.abs((ends - middle) @ axis).min()))

    @property
    def across(self) -> NDArray[Any]:
        """Unit vectors (2, 3) at right angles to the axis."""
        side = np.cross(self.axis, np.eye(3)[np.abs(self.axis).argmin()])
        side /= np.linalg.norm(side)
        return np.stack([side, np.cross(self.axis, side)])

    @property
    def spots(self) -> NDArray[Any]:
        """Places (n, 2) of the lines in mm along `across`."""
        radius = RADIUS * self.length_mm
        row = np.arange(LINE_MM / 2, radius, LINE_MM)
        places = np.stack(np.meshgrid(*[np.r_[-row[::-1], row]] * 2), -1).reshape(-1, 2)
        return places[np.linalg.norm(places, axis=1) <= radius]

    @property
    def along(self) -> NDArray[Any]:
        """Places (m,) of the samples in mm along the axis."""
        count = int(self.length_mm / 2 / STEP_MM)
        return np.arange(-count, count + 1) * STEP_MM

    @property
    def points(self) -> Points:
        """LPS points (n, m, 3)."""
        return self.middle + (self.spots @ self.across)[:, None] + self.along[:, None] * self.axis


@dataclass(frozen=True)
class Gap:
    """The gap between two labels, which is the CT's disc; its middle is the zero of the bundle.

    Attributes:
        bundle: lines at right angles to it.
        middles: its middle (n,) on every line in mm; NaN where a line misses a bone.
        width_mm: mean over the lines.
        upper, lower: share of the lines (m,) that run in either bone at a place.
    """

    bundle: Bundle
    middles: NDArray[Any]
    width_mm: float
    upper: NDArray[Any]
    lower: NDArray[Any]


def find_gap(ends: Points, upper: Values, lower: Values) -> Gap | None:
    """The gap on a bundle that is turned to run at right angles to it; None without one on most lines.

    Args:
        ends: middles (2, 3) of the upper and the lower body.
        upper, lower: share of each bone.
    """
    bundle = Bundle.between(ends, ends.mean(0), ends[0] - ends[1])
    for turn in range(TURNS + 1):
        if bundle.length_mm < 2 * MARROW_MM:
            return None
        above, below = (bone(bundle.points) >= 0.5 for bone in (upper, lower))
        met = above.any(1) & below.any(1)
        if met.mean() < COVERED:
            return None
        along = bundle.along
        ceiling, floor = along[above.argmax(1)], along[::-1][below[:, ::-1].argmax(1)]
        middles = np.where(met, (ceiling + floor) / 2, NAN)
        if turn < TURNS:
            plane = np.c_[bundle.spots, np.ones(len(bundle.spots))][met]
            (*slopes, height), *_ = np.linalg.lstsq(plane, middles[met])
            middle = bundle.middle + height * bundle.axis
            bundle = Bundle.between(ends, middle, bundle.axis - slopes @ bundle.across)
    width = float((ceiling - floor)[met].mean())
    return Gap(bundle, middles, width, above.mean(0), below.mean(0))
