"""Is one image a sane volume: geometry, units, finite and not constant."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.voxels import array_view

_SMALLEST_MM, _LARGEST_MM = 10.0, 5000.0
_FINEST_MM, _COARSEST_MM = 0.05, 12.0
_FEWEST_SLICES = 4
_FLOATS = (sitk.sitkFloat32, sitk.sitkFloat64)


def check_image(image: sitk.Image, name: str) -> None:
    """Raises InputError if a scalar 3-D image cannot be a CT or MR volume in mm."""
    _check_geometry(Grid.of(image), name)
    _check_values(image, name)


def check_origin(grid: Grid, name: str) -> None:
    """Raises InputError if a volume is nowhere."""
    if not np.all(np.isfinite(grid.origin_mm)):
        raise InputError(f"{name} has an origin that is no number; correct its header or export it again.")


def sample(image: sitk.Image, at_most: int = 1_000_000) -> NDArray[Any]:
    """About `at_most` voxel values from an even lattice over a scalar image; (z, y, x)."""
    view = array_view(image)
    steps = [1, 1, 1]
    while np.prod([-(-n // s) for n, s in zip(view.shape, steps, strict=True)]) > at_most:
        steps[int(np.argmax([n / s for n, s in zip(view.shape, steps, strict=True)]))] += 1
    return np.array(view[:: steps[0], :: steps[1], :: steps[2]])


def values_at(image: sitk.Image, points: NDArray[Any]) -> NDArray[Any]:
    """Nearest voxel values of a scalar image at LPS mm points (n, 3), without those outside."""
    grid = Grid.of(image)
    inside = np.asarray(points)[grid.contains(points)]
    indices = np.clip(np.rint(grid.to_indices(inside)).astype(int), 0, np.array(grid.size) - 1)
    x, y, z = indices.reshape(-1, 3).T
    return array_view(image)[z, y, x]


def _check_geometry(grid: Grid, name: str) -> None:
    axes = grid.axes
    if not np.all(np.isfinite(axes)) or np.abs(axes.T @ axes - np.eye(3)).max() > 1e-3:
        raise InputError(f"{name} has axes that are not at right angles; resample it to a regular grid.")
    check_origin(grid, name)
    extent = max(n * s for n, s in zip(grid.size, grid.spacing_mm, strict=True))
    if extent < _SMALLEST_MM:
        raise InputError(f"{name} is only {extent:.3g} mm long, as if in metres or cm; save it in mm.")
    if extent > _LARGEST_MM:
        raise InputError(f"{name} is {extent / 1000:.3g} m long, as if in micrometres; save it in mm.")
    if min(grid.size) < _FEWEST_SLICES:
        size = "×".join(map(str, grid.size))
        raise InputError(f"{name} has fewer than {_FEWEST_SLICES} slices (size {size}); give a full volume.")
    if min(grid.spacing_mm) < _FINEST_MM or max(grid.spacing_mm) > _COARSEST_MM:
        spacing = " × ".join(f"{s:.3g}" for s in grid.spacing_mm)
        raise InputError(
            f"{name} has a voxel spacing of {spacing} mm, outside {_FINEST_MM}-{_COARSEST_MM:.0f} mm;"
            " correct its header or give another series."
        )


def _check_values(image: sitk.Image, name: str) -> None:
    view = array_view(image)
    if image.GetPixelID() in _FLOATS:
        bad = sum(int(plane.size - np.count_nonzero(np.isfinite(plane))) for plane in view)
        if bad:
            raise InputError(
                f"{name} has {bad} voxels that are NaN or infinite; replace them by the background"
                " value (air: -1000 in a CT, 0 in an MR)."
            )
    first = view[0, 0, 0]
    if np.all(sample(image) == first) and all(np.all(plane == first) for plane in view):
        raise InputError(f"{name} has the same value {first} everywhere; give the right image.")
