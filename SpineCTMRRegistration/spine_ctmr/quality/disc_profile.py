"""The disc in a profile of intensities from one vertebral body to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TO_SD = 1.4826
"""Median absolute deviation to standard deviation, of a normal distribution."""


def departure(values: NDArray[Any], along_mm: NDArray[Any], marrow: NDArray[Any]) -> NDArray[Any]:
    """How far a profile (m,) departs from the line through the marrow's median level on either side.

    Args:
        values: finite where they count; the rest departs by 0.
        along_mm: places (m,), evenly spaced, 0 between the two bodies.
        marrow: which samples (m,) certainly lie in a body, some on either side.
    """
    sides = [marrow & (along_mm < 0), marrow & (along_mm > 0)]
    (first, last), (low, high) = ([float(np.median(a[side])) for side in sides] for a in (along_mm, values))
    level = low + (high - low) * (along_mm - first) / (last - first)
    return np.nan_to_num(values - level)


def symmetry_center(departing: NDArray[Any], along_mm: NDArray[Any], reach_mm: float) -> float:
    """The place within `reach_mm` of 0 about which a departure (m,) is most like its mirror image.

    The product of the departure with its mirror image, summed, is its convolution with itself. Dark discs,
    bright ones, and bright ones between dark end plates all have its largest value in their middle.
    """
    alike = np.convolve(departing, departing)
    middles = np.linspace(along_mm[0], along_mm[-1], len(alike))
    near = np.flatnonzero(np.abs(middles) <= reach_mm)
    return float(middles[near[alike[near].argmax()]])


def contrast(
    departing: NDArray[Any], along_mm: NDArray[Any], marrow: NDArray[Any], middle: float, half_mm: float
) -> float:
    """Largest departure within `half_mm` of the disc's middle, over the marrow's standard deviation.

    The latter from the median, which a disc that reaches into the bodies hardly moves; 0 without any signal.
    """
    largest = float(np.abs(departing[np.abs(along_mm - middle) <= half_mm]).max())
    spread = TO_SD * float(np.median(np.abs(departing[marrow])))
    return largest / spread if spread > 0 else (np.inf if largest > 0 else 0.0)
