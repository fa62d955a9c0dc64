"""Overlap and distances against SimpleITK's filters and plain geometry."""

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.quality.metrics import (
    dice,
    statistics,
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


def test_dice_agrees_with_itk(masks):
    measure = sitk.LabelOverlapMeasuresImageFilter()
    measure.Execute(*[GRID.image(m.astype(np.uint8)) for m in masks])
    assert dice(*masks) == pytest.approx(measure.GetDiceCoefficient())
    assert 0.5 < dice(*masks) < 0.95


def test_empty_masks_are_not_measured():
    empty = np.zeros((3, 3, 3), bool)
    assert np.isnan(dice(empty, empty))
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
