"""Distances between the surfaces of two masks, every piece of surface weighed by its area."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances between two surfaces in mm; NaN when a mask is empty.

    Attributes:
        mean_mm: average symmetric surface distance: the mean over the area of both surfaces.
        hd95_mm: larger of the two directed 95th percentiles of area (robust Hausdorff distance).
        hd99_mm: the same with the 99th percentiles.
        max_mm: Hausdorff distance of the surfaces.
    """

    mean_mm: float
    hd95_mm: float
    hd99_mm: float
    max_mm: float


@dataclass(frozen=True)
class _Surface:
    """Pieces of a surface: where they lie, (n, 3) mm along the grid's axes, and their areas (n,) in mm²."""

    places: NDArray[np.float64]
    areas: NDArray[np.float64]


@dataclass(frozen=True)
class _Directed:
    """Distances (n,) in mm from the pieces of one surface to the other one, ascending, and their areas."""

    distances: NDArray[np.float64]
    areas: NDArray[np.float64]

    def percentile(self, percent: float) -> float:
        """The distance that so much of the area does not exceed."""
        share = np.cumsum(self.areas) / self.areas.sum()
        index = min(int(np.searchsorted(share, percent / 100)), len(share) - 1)
        return float(self.distances[index])


def surface_distances(a: NDArray[Any], b: NDArray[Any], spacing_mm: Sequence[float]) -> SurfaceDistances:
    """Distances between the surfaces of two masks, weighed by area as in Nikolov et al. 2021.

    Counted by voxels, faces across thick slices weigh too little and those along them too much: of spheres
    6 mm apart on 0.8 x 0.8 x 3.27 mm the mean is 3.0 mm in truth, 2.3 or 3.4 mm by voxels, depending on the
    direction of the shift, and 2.7 to 2.8 mm here. A direction matrix does not matter.

    Args:
        a: mask (z, y, x); it has a surface, too, where it ends at the border of the grid.
        b: mask (z, y, x) on the same grid.
        spacing_mm: voxel spacing (x, y, z).
    """
    a, b = np.asarray(a, bool), np.asarray(b, bool)
    if not a.any() or not b.any():
        return SurfaceDistances(*[float("nan")] * 4)
    box = ndimage.find_objects((a | b).astype(np.uint8))[0]
    spacing = np.array(spacing_mm, float)[::-1]
    first, second = (_surface(mask[box], spacing) for mask in (a, b))
    there, back = _directed(first, second), _directed(second, first)
    total = sum(float(way.distances @ way.areas) for way in (there, back))
    return SurfaceDistances(
        mean_mm=total / float(there.areas.sum() + back.areas.sum()),
        hd95_mm=max(there.percentile(95), back.percentile(95)),
        hd99_mm=max(there.percentile(99), back.percentile(99)),
        max_mm=float(max(there.distances[-1], back.distances[-1])),
    )


def _directed(source: _Surface, target: _Surface) -> _Directed:
    distances = cKDTree(target.places).query(source.places)[0]
    order = np.argsort(distances, kind="stable")
    return _Directed(distances[order], source.areas[order])


def _surface(mask: NDArray[np.bool_], spacing: NDArray[np.float64]) -> _Surface:
    """The surface in the cells between eight neighbouring voxels that do not all agree.

    The mask is interpolated linearly in a cell. By the coarea formula its slope is the mean area of its
    level sets per volume; from the middle of the cell, the level of one half lies that slope away.
    """
    values = np.pad(mask, 1).astype(np.float64)
    middle = _between(values, (0, 1, 2))
    slope = np.stack(
        [_between(np.diff(values, axis=k), {0, 1, 2} - {k}) / step for k, step in enumerate(spacing)], -1
    )
    squared = np.square(slope).sum(-1)
    cells = squared > 0
    away = (0.5 - middle[cells])[:, None] / squared[cells][:, None] * slope[cells]
    places = np.argwhere(cells) * spacing + np.clip(away, -spacing / 2, spacing / 2)
    return _Surface(places, np.sqrt(squared[cells]) * spacing.prod())


def _between(values: NDArray[np.float64], axes: Iterable[int]) -> NDArray[np.float64]:
    """Means of neighbours along some axes, which lose one node each."""
    for axis in axes:
        values = sliding_window_view(values, 2, axis=axis).mean(-1)
    return values
