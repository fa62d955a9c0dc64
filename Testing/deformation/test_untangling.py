"""Folds are mended wherever they lie, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from spine_ctmr.deformation.untangling import untangle
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.jacobian import jacobian_determinant

SHAPE = (11, 12, 13)
GRID = Grid(SHAPE[::-1], (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def folded_field() -> NDArray[np.float32]:
    """Two halves that close by more than the gap between their nodes."""
    field = np.zeros((*SHAPE, 3), np.float32)
    field[3:8, 3:9, 4:7, 0] = 1.2
    return field


def smallest_width(field: NDArray[np.float32]) -> float:
    """Of a cell along x after the motion, in cells."""
    return float(1 + np.diff(field[..., 0], axis=2).min())


@pytest.mark.parametrize("distance_mm", [0.0, 1.2, 10.0])
def test_a_fold_is_mended_in_bone_beside_bone_and_far_from_it(distance_mm: float) -> None:
    field = folded_field()
    assert smallest_width(field) < 0
    untangle(field, np.full(SHAPE, distance_mm, np.float32), 1.0)
    assert smallest_width(field) > 0
    assert jacobian_determinant(field, GRID).min() > 0


def test_a_field_without_folds_stays_as_it_is() -> None:
    field = np.zeros((*SHAPE, 3), np.float32)
    field[4:7, 4:7, 4:7, 1] = 0.3
    before = field.copy()
    assert not len(untangle(field, np.zeros(SHAPE, np.float32), 1.0))
    np.testing.assert_array_equal(field, before)
