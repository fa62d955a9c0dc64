"""Transforms made of parts, and points through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from .grid import Grid
from .voxels import array_view

SLAB_MM = 40.0
"""Thickness of the part of a grid that is resampled at once."""


@dataclass(frozen=True)
class Displacement:
    """A displacement field in single precision.

    Attributes:
        field: (z, y, x, 3) LPS mm at the nodes of `grid`; nothing moves outside.
        grid: where the nodes are.
    """

    field: NDArray[Any]
    grid: Grid

    def to_sitk(self) -> sitk.DisplacementFieldTransform:
        """For SimpleITK, which knows double precision alone."""
        return sitk.DisplacementFieldTransform(sitk.Cast(self.grid.image(self.field), sitk.sitkVectorFloat64))

    def near(self, grid: Grid) -> sitk.Transform:
        """The same for the voxels of a grid, of those nodes alone that move them."""
        index = self.grid.to_indices(grid.corners())
        low = np.clip(np.floor(index.min(0)) - 1, 0, self.grid.size).astype(int)
        high = np.clip(np.ceil(index.max(0)) + 2, 0, self.grid.size).astype(int)
        if np.any(high <= low):
            return sitk.Transform()
        part = tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))
        return Displacement(self.field[part], self.grid.crop(low, high - low)).to_sitk()


Part: TypeAlias = sitk.Transform | Displacement


def composed(parts: Sequence[Part]) -> sitk.CompositeTransform:
    """The parts one after the other, the last first as in ITK."""
    return sitk.CompositeTransform([p.to_sitk() if isinstance(p, Displacement) else p for p in parts])


def resampled(
    image: sitk.Image,
    grid: Grid,
    displacement: Displacement,
    fill: float,
    interpolator: int = sitk.sitkLinear,
    pixel: int = sitk.sitkFloat32,
) -> NDArray[Any]:
    """An image's values (z, y, x) at the places to which a displacement takes the voxels of a grid.

    Slab by slab: of a large field only a part is held in double precision at a time.

    Args:
        image: to sample.
        grid: whose voxels are moved.
        displacement: of points on `grid` to points on `image`.
        fill: value outside the image.
        interpolator: of SimpleITK.
        pixel: the result's type, of SimpleITK.
    """
    result = np.empty(grid.shape, array_view(sitk.Image([1, 1, 1], pixel)).dtype)
    thickness = max(1, round(SLAB_MM / grid.spacing_mm[2]))
    for first in range(0, len(result), thickness):
        layers = result[first : first + thickness]
        slab = grid.crop((0, 0, first), (*grid.size[:2], len(layers)))
        motion = displacement.near(slab)
        layers[:] = array_view(sitk.Resample(image, slab.empty(), motion, interpolator, fill, pixel))
    return result


def map_points(transform: sitk.Transform, points: ArrayLike) -> NDArray[np.float64]:
    """LPS points (n, 3) moved by a transform."""
    moved = [transform.TransformPoint(point) for point in np.asarray(points, float).tolist()]
    return np.array(moved, float).reshape(-1, 3)
