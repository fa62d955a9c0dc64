"""Bent starts: every vertebra follows the motion of those around it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from spine_ctmr.alignment.bending import bend_field, bent_motions
from spine_ctmr.alignment.centroids import rigid_start
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose

Points = dict[int, NDArray[np.float64]]
LEVEL_MM = 33.0
NUMBERS = tuple(range(13, 25))


def _straight() -> Points:
    return {n: np.array([0.0, 4.0 * (k % 2), -LEVEL_MM * k]) for k, n in enumerate(NUMBERS)}


def _bent(deg: float) -> dict[int, Pose]:
    """A chain of joints half way between the centres, each turned about the left-right axis."""
    centers = list(_straight().values())
    chain = [Pose.identity()]
    for upper, lower in pairwise(centers):
        chain.append(
            chain[-1] @ Pose.from_rotation([np.radians(deg), 0, 0], np.zeros(3), (upper + lower) / 2)
        )
    return dict(zip(NUMBERS, chain, strict=True))


def _one_point_each(centers: Points) -> Points:
    return {n: c[None] for n, c in centers.items()}


def _bone_error(motions: dict[int, Pose], true: dict[int, Pose]) -> NDArray[np.float64]:
    """Mean distance in mm (n,) of points as far from the centre as bone."""
    offsets = np.vstack([np.eye(3), -np.eye(3)]) * 20
    return np.array(
        [
            np.linalg.norm(motions[n].apply(c + offsets) - true[n].apply(c + offsets), axis=1).mean()
            for n, c in _straight().items()
        ]
    )


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_one_rigid_motion_is_found_for_every_vertebra(seed: int) -> None:
    rng = np.random.default_rng(seed)
    motion = Pose.from_rotation(rng.normal(0, 0.2, 3), rng.normal(0, 80, 3), [0, 0, -180])
    centers = _straight()
    some = {n: centers[n] for n in rng.permutation(NUMBERS)[: rng.integers(1, 12)]}
    moved = {n: motion.apply(c) for n, c in some.items()}
    found = bent_motions(centers, motion, _one_point_each(some), _one_point_each(moved))
    assert _bone_error(found, dict.fromkeys(NUMBERS, motion)).max() < 1e-6


@pytest.mark.parametrize("deg", [-4.0, 4.0])
def test_a_bent_spine_is_followed_where_one_rigid_motion_is_far_off(deg: float) -> None:
    centers, true = _straight(), _bent(deg)
    moved = {n: true[n].apply(c) for n, c in centers.items()}
    whole = rigid_start(centers, moved)
    found = bent_motions(centers, whole, _one_point_each(centers), _one_point_each(moved))
    off = _bone_error(dict.fromkeys(NUMBERS, whole), true).max()
    assert off > 15
    assert _bone_error(found, true).max() < 0.2 * off


def test_a_vertebra_far_from_all_that_is_known_follows_the_whole_spine() -> None:
    centers, true = _straight(), _bent(3.0)
    lowest = {n: centers[n] for n in NUMBERS[-4:]}
    moved = {n: true[n].apply(c) for n, c in lowest.items()}
    whole = rigid_start(centers, moved)
    found = bent_motions(centers, whole, _one_point_each(lowest), _one_point_each(moved))
    far = NUMBERS[0]
    assert found[far].distance_mm(whole, centers[far]) < 1.0


def test_centres_that_are_wrong_bend_the_spine_less_than_they_are_wrong() -> None:
    centers = _straight()
    rng = np.random.default_rng(3)
    noisy = {n: c + rng.normal(0, 5 / np.sqrt(3), 3) for n, c in centers.items()}
    found = bent_motions(
        centers, rigid_start(centers, noisy), _one_point_each(centers), _one_point_each(noisy)
    )
    assert _bone_error(found, dict.fromkeys(NUMBERS, Pose.identity())).mean() < 5


def test_the_space_between_follows_its_vertebrae() -> None:
    centers, true = _straight(), _bent(3.0)
    whole = Pose.from_rotation([0.1, 0.0, 0.0], [10, -20, 30], [0, 0, -180])
    motions = {n: whole @ m for n, m in true.items()}
    number = NUMBERS[5]
    place = motions[number].apply(centers[number])
    grid = Grid((3, 3, 3), (4.0, 4.0, 4.0), tuple(place - 4.0))
    field = bend_field(motions, centers, whole, grid)
    to_ct = whole.inverse.apply(grid.points() + field)
    np.testing.assert_allclose(to_ct, motions[number].inverse.apply(grid.points()), atol=1.0)
    same = bend_field(dict.fromkeys(NUMBERS, whole), centers, whole, grid)
    np.testing.assert_allclose(same, 0, atol=1e-9)
