"""Metal throws streaks as beam hardening does: dark between two screws, nothing where there is no metal."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from spine_ctmr.phantoms.metal_streaks import add_streaks

SHAPE = (6, 80, 96)
Y, LEFT, RIGHT = 40, 30, 66


def _two_rods() -> NDArray[np.float32]:
    ct = np.full(SHAPE, 40, np.float32)
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    for middle in (LEFT, RIGHT):
        ct[2:4, np.hypot(y - Y, x - middle) < 3] = 8000
    return ct


def test_without_metal_nothing_changes() -> None:
    ct = np.random.default_rng(0).uniform(-1000, 2500, SHAPE).astype(np.float32)
    np.testing.assert_array_equal(add_streaks(np.random.default_rng(1), ct, 1.0), ct)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_dark_between_two_rods(seed: int) -> None:
    """Brooks and Di Chiro 1976: bodies that lie in line harden the beam twice and darken the gap."""
    streaks = add_streaks(np.random.default_rng(seed), _two_rods(), 1.0) - _two_rods()
    between = streaks[2:4, Y - 1 : Y + 2, LEFT + 8 : RIGHT - 7].mean()
    assert between < -30
    assert between < 3 * streaks[2:4, 5:15, 5:-5].mean() - 20


def test_only_slices_with_metal_have_streaks_and_the_input_stays() -> None:
    ct = _two_rods()
    result = add_streaks(np.random.default_rng(0), ct, 1.0)
    np.testing.assert_array_equal(ct, _two_rods())
    np.testing.assert_array_equal(result[[0, 1, 4, 5]], ct[[0, 1, 4, 5]])
    assert np.abs(result[2] - ct[2]).max() > 50


def test_metal_stays_above_the_scale_of_hounsfield_units() -> None:
    ct = _two_rods()
    assert add_streaks(np.random.default_rng(0), ct, 1.0)[ct == 8000].min() > 3071


def test_streaks_have_a_place_in_mm() -> None:
    """The same rods on pixels of half the size darken the same place."""
    fine = np.repeat(np.repeat(_two_rods(), 2, 1), 2, 2)
    streaks = add_streaks(np.random.default_rng(3), fine, 0.5) - fine
    assert streaks[2:4, 2 * Y - 2 : 2 * Y + 4, 2 * LEFT + 16 : 2 * RIGHT - 14].mean() < -30
