"""The values of a label map as whole numbers, whatever type they were stored in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_BLUR = 0.01
"""How far a label may be from a whole number; nibabel's scaling leaves up to 0.0005."""
_MOST = 1000
"""Different values above which an array is an image."""
_TABLE = 1 << 16


def whole_numbers(array: NDArray[Any], path: Path | str) -> NDArray[Any]:
    """The array (z, y, x) itself if it holds integers, else rounded to int32.

    Messages call it `path`.

    Raises:
        InputError: a value is further than _BLUR from a whole number, NaN or infinite.
    """
    if np.issubdtype(array.dtype, np.integer):
        return array
    rounded = np.empty(array.shape, np.int32)
    for plane, result in zip(array, rounded, strict=True):
        if not np.all(np.isfinite(plane)):
            raise InputError(f"{path} holds values that are not numbers (NaN); give a label map.")
        nearest = np.rint(plane)
        if np.abs(plane - nearest).max(initial=0) > _BLUR or np.abs(nearest).max(initial=0) >= 2**31:
            raise InputError(f"{path} holds values that are not whole numbers; give a label map.")
        result[...] = nearest
    return rounded


def values_in(array: NDArray[Any], path: Path) -> set[int]:
    """The non-zero values of an integer array (z, y, x), looked at plane by plane to spare memory.

    Raises:
        InputError: there are none, or so many that it is an image.
    """
    found: set[int] = set()
    low, high = int(array.min(initial=0)), int(array.max(initial=0))
    if low < 0 or high >= _TABLE:
        for plane in array:
            found.update(np.unique(plane[plane != 0]).tolist())
            if len(found) > _MOST:
                break
    else:
        seen = np.zeros(high + 1, bool)
        for plane in array:
            seen[plane] = True
        found.update(np.flatnonzero(seen).tolist())
    found.discard(0)
    if len(found) > _MOST:
        raise InputError(f"{path} holds over {_MOST} different values; give a label map.")
    if not found:
        raise InputError(f"{path} has no labels; give the vertebra segmentation.")
    return found


def renumbered(array: NDArray[Any], levels: Mapping[int, int]) -> NDArray[np.uint8]:
    """VerSe numbers (z, y, x) of an integer array by label value; 0 for values that are not in `levels`."""
    largest = max(levels)
    table = np.zeros(largest + 2, np.uint8)
    table[list(levels)] = list(levels.values())
    result = np.empty(array.shape, np.uint8)
    for plane, numbers in zip(array, result, strict=True):
        numbers[...] = table[np.clip(plane, 0, largest + 1)]
    return result
