"""Whether two fields undo each other: measured as SimpleITK measures it."""

from __future__ import annotations

import numpy as np
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.transforms import Displacement
from spine_ctmr.quality.invertibility import field_consistency, inverse_consistency, points_in

GRID = Grid((24, 20, 22), (1.5, 1.5, 1.5), (-30.0, 12.0, 400.0))


def waves(seed: int) -> np.ndarray:
    """A displacement (z, y, x, 3) of up to 2 mm that is zero at the border."""
    z, y, x = np.meshgrid(*[np.linspace(0, np.pi, n) for n in GRID.shape], indexing="ij")
    window = np.sin(x) * np.sin(y) * np.sin(z)
    strength = np.random.default_rng(seed).uniform(-2, 2, 3)
    return (window[..., None] * strength).astype(np.float32)


def test_two_unlike_fields_are_as_far_from_undoing_each_other_as_simpleitk_says() -> None:
    there, back, points = waves(0), waves(1), points_in(GRID, 300)
    expected = inverse_consistency(
        Displacement(there, GRID).to_sitk(), Displacement(back, GRID).to_sitk(), points
    )
    assert expected.mean() > 0.5
    np.testing.assert_allclose(field_consistency(there, back, GRID, points), expected, atol=2e-4)


def test_no_motion_is_its_own_inverse() -> None:
    still = np.zeros((*GRID.shape, 3), np.float32)
    assert not field_consistency(still, still, GRID, points_in(GRID, 50)).any()
