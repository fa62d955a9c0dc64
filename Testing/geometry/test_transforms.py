"""Images through a displacement, and points."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry import transforms
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.geometry.transforms import Displacement, resampled

FIELD_GRID = Grid((30, 26, 40), (2.0, 2.0, 2.0), (-30.0, -25.0, -40.0))
IMAGE_GRID = Grid((50, 45, 60), (1.5, 1.5, 1.5), (-40.0, -35.0, -45.0))
TURN = Pose.from_rotation([0.3, -0.2, 0.4], [4.0, -3.0, 2.0], IMAGE_GRID.center_mm)


@pytest.fixture
def displacement() -> Displacement:
    field = np.random.default_rng(1).normal(0, 3, (*FIELD_GRID.shape, 3)).astype(np.float32)
    return Displacement(field, FIELD_GRID)


@pytest.mark.parametrize("spacing_mm", [1.1, 7.0])
@pytest.mark.parametrize("motion", [Pose.identity(), TURN])
def test_slabs_show_what_itk_shows_through_the_whole_field(
    displacement: Displacement, motion: Pose, spacing_mm: float
) -> None:
    values = np.random.default_rng(2).normal(0, 100, IMAGE_GRID.shape).astype(np.float32)
    image = IMAGE_GRID.image(values)
    grid = Grid((60, 50, 70), (1.1, 1.3, spacing_mm), (-40.0, -40.0, -spacing_mm * 35)).moved(motion)
    assert grid.spacing_mm[2] * grid.size[2] > 1.5 * transforms.SLAB_MM

    found = resampled(image, grid, displacement, -7.0)

    whole = sitk.Resample(image, grid.empty(), displacement.to_sitk(), sitk.sitkLinear, -7.0)
    np.testing.assert_allclose(found, sitk.GetArrayFromImage(whole), atol=1e-3)


def test_far_from_the_field_nothing_moves(displacement: Displacement) -> None:
    far = Pose.from_rotation(np.zeros(3), [500.0, 0.0, 0.0])
    grid = IMAGE_GRID.moved(far)
    values = np.random.default_rng(3).integers(0, 9, grid.shape).astype(np.uint8)

    found = resampled(grid.image(values), grid, displacement, 0.0, sitk.sitkNearestNeighbor, sitk.sitkUInt8)

    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values)
