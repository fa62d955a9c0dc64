"""A level that the images alone have chosen, in words."""

from __future__ import annotations

import numpy as np
import pytest
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.vertebrae import level_check
from spine_ctmr.vertebrae.level_check import LevelShift, level_left_open

THORACIC = [8, 9, 10, 11, 12]


@pytest.mark.parametrize(("direction", "other"), [(-1, "T4"), (1, "T2")])
def test_both_levels_are_named(direction: int, other: str) -> None:
    """If the CT's T3 belongs one level higher, the bone at which it was put is T4."""
    words = level_left_open(LevelShift(direction, Pose.identity(), 1.05), THORACIC, THORACIC)
    assert words is not None
    assert f"taken for T3 may be {other}." in words


def test_a_clear_level_needs_no_word() -> None:
    assert level_left_open(LevelShift(1, Pose.identity(), 1.5), THORACIC, THORACIC) is None


def test_a_level_that_cannot_be_checked_is_told() -> None:
    words = level_left_open(None, [23, 24], [23, 24])
    assert words is not None
    assert "could not be checked" in words


@pytest.mark.parametrize(("shown", "words"), [([8], "for T2 may be T3"), ([11, 12], "for T4 may be T5")])
def test_a_short_mr_names_a_bone_that_it_shows_or_the_next(shown: list[int], words: str) -> None:
    assert words in (level_left_open(LevelShift(-1, Pose.identity(), 1.0), THORACIC, shown) or "")


@pytest.mark.parametrize(("direction", "other"), [(-1, "L3"), (1, "L1")])
def test_a_level_without_a_label_is_named_too(direction: int, other: str) -> None:
    words = level_left_open(LevelShift(direction, Pose.identity(), 1.0), [19, 21, 23], [19, 21, 23])
    assert f"taken for L2 may be {other}." in (words or "")


def test_one_level_is_one_level_where_labels_are_missing() -> None:
    """T12, L2 and L4 of a straight spine whose levels are 30 mm apart, at rest."""
    centers = {number: np.array([0.0, 0.0, -30.0 * k]) for number, k in ((19, 0), (21, 2), (23, 4))}
    still = dict.fromkeys(centers, Pose.identity())
    for direction, motion in level_check._shifts(list(centers), centers, still):
        np.testing.assert_allclose(motion.apply(centers[21]), [0, 0, -60 - 30 * direction], atol=0.5)
