"""Overlap and distances against SimpleITK's filters and plain geometry."""

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.quality.metrics import (
    dice,
    statistics,
    surface_distances,
    tre,
    volume_change_percent,
)

SPACING = (0.8, 1.3, 3.1)
GRID = Grid((48, 40, 22), SPACING, (-20.0, 7.0, 3.0))


def ellipsoid(center, radii_mm):
    return (((GRID.points() - GRID.center_mm - center) / radii_mm) ** 2).sum(-1) <= 1


@pytest.fixture(scope="module")
def masks():
    return ellipsoid((0, 0, 0), (12, 14, 20)), ellipsoid((2.5, -3, 4), (11, 15, 17))


def itk_surface_distances(a, b):
    """Directed distances from the surface of `a` to that of `b`, by ITK."""
    contour = [sitk.LabelContour(GRID.image(m.astype(np.uint8)), fullyConnected=False) for m in (a, b)]
    options = {"insideIsPositive": False, "squaredDistance": False, "useImageSpacing": True}
    away = np.abs(sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(contour[1], **options)))
    return away[sitk.GetArrayFromImage(contour[0]) > 0]


def test_dice_agrees_with_itk(masks):
    measure = sitk.LabelOverlapMeasuresImageFilter()
    measure.Execute(*[GRID.image(m.astype(np.uint8)) for m in masks])
    assert dice(*masks) == pytest.approx(measure.GetDiceCoefficient())
    assert 0.5 < dice(*masks) < 0.95


def test_surface_distances_agree_with_itk_on_an_anisotropic_grid(masks):
    forth, back = itk_surface_distances(*masks), itk_surface_distances(*masks[::-1])
    found = surface_distances(*masks, SPACING)
    assert found.mean_mm == pytest.approx(np.concatenate([forth, back]).mean(), abs=1e-4)
    assert found.hd95_mm == pytest.approx(max(np.percentile(forth, 95), np.percentile(back, 95)), abs=1e-4)
    assert found.hd99_mm == pytest.approx(max(np.percentile(forth, 99), np.percentile(back, 99)), abs=1e-4)
    assert found.max_mm == pytest.approx(max(forth.max(), back.max()), abs=1e-4)


def test_largest_distance_agrees_with_itk_hausdorff(masks):
    hausdorff = sitk.HausdorffDistanceImageFilter()
    hausdorff.Execute(*[GRID.image(m.astype(np.uint8)) for m in masks])
    assert surface_distances(*masks, SPACING).max_mm == pytest.approx(
        hausdorff.GetHausdorffDistance(), abs=1e-4
    )


@pytest.mark.parametrize(("axis", "step_mm"), [(0, 3.1), (1, 1.3), (2, 0.8)])
def test_a_shifted_plate_is_as_far_away_as_it_was_shifted(axis, step_mm):
    """Plates wider than the shift: every boundary point of a face is exactly one step away."""
    a = np.zeros(GRID.shape, bool)
    a[9:13, 5:35, 5:43] = True
    b = np.roll(a, 1, axis)
    found = surface_distances(a, b, SPACING)
    assert found.max_mm == pytest.approx(step_mm)
    assert surface_distances(a, a, SPACING).max_mm == 0


def test_masks_at_the_border_have_a_surface_there():
    a = np.ones((4, 4, 4), bool)
    b = a.copy()
    b[:, :, :2] = False
    assert surface_distances(a, b, (2, 1, 1)).max_mm == pytest.approx(4)


def test_empty_masks_are_not_measured():
    empty = np.zeros((3, 3, 3), bool)
    assert np.isnan(dice(empty, empty))
    assert np.isnan(surface_distances(empty, ~empty, (1, 1, 1)).hd95_mm)
    assert dice(empty, ~empty) == 0


def test_volume_change_has_a_sign():
    assert volume_change_percent(200, 210) == pytest.approx(5)
    assert volume_change_percent(200, 190) == pytest.approx(-5)
    assert np.isnan(volume_change_percent(0, 1))


def test_landmark_error_goes_from_fixed_to_moving():
    """A transform that is undone by its inverse would hide a swapped direction; this one is not."""
    rigid = sitk.Euler3DTransform((1, 2, 3), 0.2, -0.1, 0.4, (5, -6, 7))
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(rigid.GetMatrix(), (3, 3))
    matrix[:3, 3] = rigid.TransformPoint((0, 0, 0))
    mr = np.random.default_rng(3).uniform(-50, 50, (9, 3))
    ct = np.array([rigid.TransformPoint(p) for p in mr.tolist()])
    ct[4] += (0, 3, 4)
    wanted = np.zeros(9)
    wanted[4] = 5
    for transform in (rigid, Pose(matrix), lambda points: points @ matrix[:3, :3].T + matrix[:3, 3]):
        np.testing.assert_allclose(tre(mr, ct, transform), wanted, atol=1e-9)
    assert tre(ct, mr, rigid).min() > 1


def test_statistics_ignore_what_was_not_measured():
    found = statistics([1, 2, np.nan, 3, np.inf])
    assert (found.count, found.mean, found.sd, found.median, found.max) == (3, 2, 1, 2, 3)
    assert found.p95 == pytest.approx(2.9)
    assert statistics([]).count == 0
    assert np.isnan(statistics([np.nan]).mean)
