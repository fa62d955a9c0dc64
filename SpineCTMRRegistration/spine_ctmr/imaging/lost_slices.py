"""Slices without signal inside an image: filled from their neighbours, or a reason to refuse it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.voxels import array_view

_SAMPLES = 160
"""Values along an axis that are looked at."""
_DARK, _BRIGHT = 0.25, 0.3
"""A slice has lost its signal if its mean is below this share of both neighbours' and theirs above this share
of the usual one."""
_MOST = 2
"""Slices of one image that are filled; more are not worth it."""


def without_lost_slices(image: sitk.Image, name: str) -> tuple[sitk.Image, tuple[str, ...]]:
    """The image with single slices that lost their signal filled from their neighbours, and a warning.

    Slices are sought along all three axes; those at the ends of the image do not count.

    Raises:
        InputError: several are lost, or two side by side.
    """
    view = array_view(image)
    for axis in range(3):
        lost = _lost(view, axis)
        if not lost:
            continue
        count = view.shape[axis]
        if len(lost) > _MOST or any(b - a == 1 for a, b in pairwise(lost)):
            raise InputError(f"{name} has {len(lost)} of {count} slices without signal; export it again.")
        array = array_view(image).copy()
        planes = np.moveaxis(array, axis, 0)
        for k in lost:
            planes[k] = (planes[k - 1].astype(float) + planes[k + 1]) / 2
        which = ", ".join(str(k + 1) for k in lost)
        return Grid.of(image).image(array), (
            f"{name}: slice {which} of {count} has no signal and was filled from its neighbours;"
            " export it again if you can.",
        )
    return image, ()


def _lost(view: NDArray[Any], axis: int) -> list[int]:
    """Indices of slices (z, y, x) that are dark or even between slices that are not."""
    planes = np.moveaxis(view, axis, 0)
    _, rows, columns = planes.shape
    some = planes[:, :: 1 + rows // _SAMPLES, :: 1 + columns // _SAMPLES]
    flat = some.reshape(len(some), -1)
    low = float(np.percentile(flat[:: 1 + len(flat) // 50], 1))
    signal = flat.mean(1) - low
    bright = _BRIGHT * float(np.median(signal))
    even = (flat == flat[:, :1]).all(1)
    seen = np.flatnonzero(~even)
    lost = []
    for k in range(int(seen[0]) + 1, int(seen[-1])) if len(seen) else ():
        before = next(j for j in range(k - 1, -1, -1) if not even[j])
        after = next(j for j in range(k + 1, len(even)) if not even[j])
        beside = min(signal[before], signal[after])
        dark = beside > bright and signal[k] < _DARK * beside
        if dark or (even[k] and bool(np.all(planes[k] == planes[k].flat[0]))):
            lost.append(k)
    return lost
