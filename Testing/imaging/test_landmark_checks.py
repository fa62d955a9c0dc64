"""Landmarks in another unit or order of coordinates."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.landmark_checks import check_course, check_landmarks

GRID = Grid((60, 60, 100), (3.0, 3.0, 3.0), (-90.0, -90.0, -150.0))
SPINE = {20: [2.0, 5.0, 70.0], 21: [3.0, 0.0, 37.0], 22: [2.0, -4.0, 2.0], 23: [0.0, -5.0, -34.0]}
MR: sitk.Image = GRID.image(np.zeros(GRID.shape, np.int16))


def points(factor: float = 1.0, order: tuple[int, ...] = (0, 1, 2)) -> dict[int, np.ndarray]:
    return {n: factor * np.array(place)[list(order)] for n, place in SPINE.items()}


@pytest.mark.parametrize("size", [0.5, 1.0, 1.25])
def test_children_and_tall_people_have_spines(size):
    assert check_landmarks(points(size), MR, "a", "b") == ()


@pytest.mark.parametrize(("factor", "words"), [(0.1, "L1 and L2 are 3.34 mm"), (0.001, "0.0334 mm apart")])
def test_other_units_are_refused(factor, words):
    with pytest.raises(InputError, match=words):
        check_landmarks(points(factor), MR, "a", "b")


def test_a_missing_level_between_two_counts():
    some = points()
    del some[21]
    assert check_landmarks(some, MR, "a", "b") == ()


@pytest.mark.parametrize("order", [(2, 1, 0), (0, 2, 1), (2, 0, 1)])
def test_coordinates_in_another_order_are_refused(order):
    with pytest.raises(InputError, match=r"runs from L1 to L4 at .* to the CT's vertebrae; check the order"):
        check_course(points(order=order), points(), "a")


@pytest.mark.parametrize("angle", [-50.0, 0.0, 50.0])
def test_a_patient_may_lie_askew(angle):
    turn = sitk.Euler3DTransform((0.0, 0.0, 0.0), np.radians(angle), 0.0, 0.0)
    turned = {n: np.array(turn.TransformPoint(p)) for n, p in SPINE.items()}
    check_course(turned, points(), "a")
    check_course({20: turned[20]}, points(), "a")
