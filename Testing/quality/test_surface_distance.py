"""Surface distances of shapes for which they are known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.quality.surface_distance import surface_distances

SPACING = (0.8, 1.3, 3.1)
GRID = Grid((48, 40, 22), SPACING, (-20.0, 7.0, 3.0))
THICK = Grid((80, 80, 20), (0.8, 0.8, 3.27), (0.0, 0.0, 0.0))


def _ball(
    grid: Grid, radius_mm: float, shift_mm: tuple[float, float, float] = (0, 0, 0)
) -> NDArray[np.bool_]:
    return np.linalg.norm(grid.points() - grid.center_mm - shift_mm, axis=-1) <= radius_mm


def _shifted_balls(radius_mm: float, shift_mm: float) -> NDArray[Any]:
    """Distances from evenly spread points of a sphere to the same sphere shifted.

    By Archimedes, the cosine of the angle to the shift is uniform in area.
    """
    cosine = np.linspace(-1, 1, 100_001)
    return np.abs(np.sqrt(radius_mm**2 + shift_mm**2 - 2 * radius_mm * shift_mm * cosine) - radius_mm)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_shift_measures_the_same_across_thick_slices_and_along_them(axis: int) -> None:
    """By voxels the mean is 2.3 mm along the slices and 3.4 mm across them."""
    true = _shifted_balls(20.0, 6.0)
    shift = tuple(6.0 * np.eye(3)[axis])
    found = surface_distances(_ball(THICK, 20.0), _ball(THICK, 20.0, shift), THICK.spacing_mm)
    assert found.mean_mm == pytest.approx(true.mean(), rel=0.1)
    assert found.hd95_mm == pytest.approx(np.percentile(true, 95), abs=0.8)
    assert found.max_mm == pytest.approx(6, abs=0.6)


def test_concentric_balls_are_as_far_apart_as_their_radii() -> None:
    grid = Grid((80, 80, 80), (0.7, 0.7, 0.7), (0.0, 0.0, 0.0))
    found = surface_distances(_ball(grid, 20.0), _ball(grid, 23.5), grid.spacing_mm)
    assert found.mean_mm == pytest.approx(3.5, abs=0.1)
    assert found.max_mm == pytest.approx(3.5, abs=0.3)


def test_a_box_moved_across_thick_slices() -> None:
    """The lower face is d from the other box, the upper one d or less near its rim, the sides up to d."""
    side, height, moved = 40, 10, 2
    box = np.zeros(THICK.shape, bool)
    box[4 : 4 + height, 20 : 20 + side, 20 : 20 + side] = True
    width, tall, d = side * 0.8, height * 3.27, moved * 3.27
    true = (2 * width**2 * d + 4 / 3 * d**3) / (2 * width**2 + 4 * width * tall)
    found = surface_distances(box, np.roll(box, moved, 0), THICK.spacing_mm)
    assert found.mean_mm == pytest.approx(true, rel=0.03)
    assert found.max_mm == pytest.approx(d)


def test_largest_distance_is_near_itk_hausdorff() -> None:
    """ITK measures between voxels, half a voxel inside the surface."""
    first, second = _ball(GRID, 14.0), _ball(GRID, 13.0, (2.5, -3, 4))
    hausdorff = sitk.HausdorffDistanceImageFilter()
    hausdorff.Execute(*[GRID.image(mask.astype(np.uint8)) for mask in (first, second)])
    found = surface_distances(first, second, SPACING)
    assert found.max_mm == pytest.approx(hausdorff.GetHausdorffDistance(), abs=0.8)


@pytest.mark.parametrize(("axis", "step_mm"), [(0, 3.1), (1, 1.3), (2, 0.8)])
def test_a_shifted_plate_is_as_far_away_as_it_was_shifted(axis: int, step_mm: float) -> None:
    """Plates wider than the shift: every boundary point of a face is exactly one step away."""
    a = np.zeros(GRID.shape, bool)
    a[9:13, 5:35, 5:43] = True
    found = surface_distances(a, np.roll(a, 1, axis), SPACING)
    assert found.max_mm == pytest.approx(step_mm)
    assert surface_distances(a, a, SPACING).max_mm == 0


def test_masks_at_the_border_have_a_surface_there() -> None:
    a = np.ones((4, 4, 4), bool)
    b = a.copy()
    b[:, :, :2] = False
    assert surface_distances(a, b, (2, 1, 1)).max_mm == pytest.approx(4)


def test_empty_masks_are_not_measured() -> None:
    empty = np.zeros((3, 3, 3), bool)
    assert np.isnan(surface_distances(empty, ~empty, (1, 1, 1)).hd95_mm)
