"""Starts of synthetic pairs: what they bring together, on pairs whose bones move by known rigid motions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.phantoms.patient import Pair
from spine_ctmr.phantoms.tissue import SEQUENCES
from spine_ctmr.research.training.recipe import DataOptions
from spine_ctmr.research.training.starts import CENTER_ERROR_MM, CENTERS, GIVEN, VERTEBRA, start_motion
from spine_ctmr.research.training.synthetic_data import (
    CACHE_BYTES,
    PAIR_BYTES_PER_VOXEL,
    pairs_kept,
    with_moved_ct,
)

SPACING_MM = 2.0
SHAPE = (48, 24, 24)
"""Voxels (z, y, x)."""
BOXES = {22: (34, 46), 23: (20, 32), 24: (6, 18)}
"""First and last slice of each vertebra, all within the image."""
MOTIONS = {
    22: Pose.from_rotation([0.05, 0, 0], [3.0, -2.0, 1.0]),
    23: Pose.from_rotation([0.02, 0, 0], [4.0, -1.0, 0.0]),
    24: Pose.from_rotation([0, 0, 0.1], [5.0, 1.0, -1.0]),
}
"""From a place in the MR to the place in the CT, mm along the axes."""


def _pair(boxes: dict[int, tuple[int, int]]) -> Pair:
    bone = np.zeros(SHAPE, np.uint8)
    points = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)[..., ::-1] * SPACING_MM
    displacement = np.zeros((*SHAPE, 3), np.float32)
    for number, (low, high) in boxes.items():
        bone[low:high, 6:18, 6:18] = number
        mine = bone == number
        displacement[mine] = MOTIONS[number].apply(points[mine]) - points[mine]
    empty = np.zeros(SHAPE, np.float32)
    return Pair(empty, empty[None], displacement, bone, bone.copy(), SPACING_MM)


def _errors(pair: Pair, start: str) -> dict[int, NDArray[np.float64]]:
    """Lengths (n,) in mm of the displacement that is left in every bone."""
    motion = start_motion(pair, start, np.random.default_rng(0))
    left = with_moved_ct(pair, motion.inverse.matrix).displacement
    return {n: np.linalg.norm(left[pair.bone == n], axis=1) for n in BOXES if (pair.bone == n).any()}


def test_the_given_start_moves_nothing() -> None:
    np.testing.assert_array_equal(
        start_motion(_pair(BOXES), GIVEN, np.random.default_rng(0)).matrix, np.eye(4)
    )


def test_the_vertebra_start_puts_l5_in_its_place_and_no_other() -> None:
    errors = _errors(_pair(BOXES), VERTEBRA)
    assert errors[24].max() < 1e-3
    assert errors[23].mean() > 1


def test_the_vertebra_start_takes_the_lowest_whole_one_where_the_image_cuts_l5() -> None:
    errors = _errors(_pair(BOXES | {24: (0, 18)}), VERTEBRA)
    assert errors[23].max() < 1e-3
    assert errors[24].mean() > 1


def test_the_centres_start_brings_centres_together_within_the_error_of_a_hand() -> None:
    pair = _pair(BOXES)
    before = np.linalg.norm(pair.displacement[pair.bone > 0], axis=1).mean()
    motion = start_motion(pair, CENTERS, np.random.default_rng(0))
    for number in BOXES:
        points = np.argwhere(pair.bone == number)[:, ::-1] * SPACING_MM
        apart = motion.apply(MOTIONS[number].apply(points).mean(0)) - points.mean(0)
        assert np.linalg.norm(apart) < 3 * CENTER_ERROR_MM
    assert np.concatenate(list(_errors(pair, CENTERS).values())).mean() < 0.5 * before


def test_a_pair_without_bone_keeps_its_start() -> None:
    for start in (CENTERS, VERTEBRA):
        assert np.array_equal(start_motion(_pair({}), start, np.random.default_rng(0)).matrix, np.eye(4))


def test_kept_pairs_take_no_more_memory_than_said() -> None:
    """A pair as the bank has it, moved to its start."""
    plain, signals = _pair(BOXES), np.zeros((len(SEQUENCES), *SHAPE), np.float16)
    stored = replace(plain, ct=plain.ct.astype(np.float16), mr=signals)
    started = with_moved_ct(stored, np.eye(4))
    parts = (started.ct, started.mr, started.displacement, started.bone, started.ct_labels)
    assert sum(part.nbytes for part in parts) == PAIR_BYTES_PER_VOXEL * started.ct.size
    larger = (24 + 8) * (24 + 8) * (48 + 8)
    assert pairs_kept((24, 24, 48), 8) == CACHE_BYTES // (PAIR_BYTES_PER_VOXEL * larger)
    assert pairs_kept((2000, 2000, 2000), 0) == 1


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(InputError, match="start"):
        DataOptions(start="nowhere")
