"""Transforms made of parts, and points through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from .grid import Grid


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


Part: TypeAlias = sitk.Transform | Displacement


def composed(parts: Sequence[Part]) -> sitk.CompositeTransform:
    """The parts one after the other, the last first as in ITK."""
    return sitk.CompositeTransform([p.to_sitk() if isinstance(p, Displacement) else p for p in parts])


def map_points(transform: sitk.Transform, points: ArrayLike) -> NDArray[np.float64]:
    """LPS points (n, 3) moved by a transform."""
    moved = [transform.TransformPoint(point) for point in np.asarray(points, float).tolist()]
    return np.array(moved, float).reshape(-1, 3)
