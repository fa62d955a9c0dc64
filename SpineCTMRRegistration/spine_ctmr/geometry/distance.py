"""Distance from a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from .voxels import array_view


def distance_map(
    mask: NDArray[Any], margin: int, spacing_mm: float
) -> tuple[tuple[int, int, int], NDArray[Any]]:
    """Distance in mm (z, y, x) from the voxels of a mask, cropped `margin` voxels around it.

    Returns:
        Index (x, y, z) of the crop's first voxel in the mask, and the distances, 0 in the mask.
    """
    start, signed = signed_distance_map(mask, margin, spacing_mm)
    return start, np.maximum(signed, 0)


def signed_distance_map(
    mask: NDArray[Any], margin: int, spacing_mm: float
) -> tuple[tuple[int, int, int], NDArray[Any]]:
    """The same, negative inside: there the distance to the outermost voxels of the mask."""
    first, last = index_extent(mask)
    low = [max(v - margin, 0) for v in first[::-1]]
    high = [min(v + margin, n) for v, n in zip(last[::-1], mask.shape, strict=True)]
    crop = mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]].astype(np.uint8)
    signed = sitk.SignedMaurerDistanceMap(
        sitk.GetImageFromArray(crop), squaredDistance=False, useImageSpacing=False
    )
    return (low[2], low[1], low[0]), array_view(signed) * np.float32(spacing_mm)


def index_extent(mask: NDArray[Any]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """First and past-last index (x, y, z) of a mask (z, y, x)."""
    spans = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in (2, 1, 0)]
    x, y, z = ((int(s[0]), int(s[-1]) + 1) for s in spans)
    return (x[0], y[0], z[0]), (x[1], y[1], z[1])
