"""The vertebral body of a whole vertebra, for comparison with labels of bodies alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.voxels import array_view

SLENDER = 0.6
"""Pedicles and processes are thinner than this share of the body."""
CORNERS = 0.5
"""How far the edges of the end plates stand out of the balls that fit in the body, over their radius."""


def body_of(mask: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.bool_]:
    """The body in a mask (z, y, x) of a whole vertebra: what is thick, with its edges.

    An opening with balls of `SLENDER` times the body's half thickness takes pedicles and processes away; what
    it takes from the edges is grown back inside the mask, with stumps of the pedicles of the same length.

    Args:
        mask: one vertebra, or a body alone, which stays as it is.
        spacing_mm: of the voxels along (x, y, z).
    """
    where = np.argwhere(mask)
    box = tuple(slice(a, b) for a, b in zip(where.min(0), where.max(0) + 1, strict=True))
    body = np.zeros_like(mask)
    body[box] = _opened(mask[box], np.asarray(spacing_mm)[::-1])
    return body


def _opened(mask: NDArray[np.bool_], steps_mm: NDArray[Any]) -> NDArray[np.bool_]:
    """The body in a crop (z, y, x) with `steps_mm` between the voxels; thick slices are divided."""
    parts = np.maximum(1, np.rint(steps_mm / max(1.0, steps_mm.min()))).astype(int)
    fine = mask
    for axis, count in enumerate(parts):
        fine = fine.repeat(count, axis)
    fine = np.pad(fine, 1)
    depth = -_distance_mm(fine, steps_mm / parts)
    radius = SLENDER * float(depth.max())
    pieces = sitk.ConnectedComponent(sitk.GetImageFromArray((depth >= radius).astype(np.uint8)))
    numbers = array_view(pieces)
    core = numbers == numbers[np.unravel_index(int(depth.argmax()), depth.shape)]
    near = _distance_mm(core, steps_mm / parts) <= radius * (1 + CORNERS)
    return mask & near[tuple(slice(1 + count // 2, -1, count) for count in parts)]


def _distance_mm(mask: NDArray[np.bool_], steps_mm: NDArray[Any]) -> NDArray[Any]:
    """Distance (z, y, x) to the surface of a mask, negative inside."""
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(steps_mm[::-1].tolist())
    return array_view(sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)).copy()
