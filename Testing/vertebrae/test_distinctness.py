"""The true pose is better than the places beside it; a wrong one is not."""

import numpy as np
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.vertebrae.distinctness import match_ratios

NUMBERS = (20, 21, 22)


def test_true_poses_are_distinct_whatever_noise_and_contrast(look_at, centers):
    shifts = {20: [3.0, -2, 1], 21: [1.0, 1, 1], 22: [-2.0, 1, 0]}
    true = {n: Pose.from_rotation([0.03, 0, 0.02], shifts[n], centers[n]) for n in NUMBERS}
    for noise in (0.01, 0.06):
        assert max(match_ratios(look_at(true, noise).place, true).values()) < 0.8


def test_poses_5_mm_off_are_not(look_at):
    true = dict.fromkeys(NUMBERS, Pose.identity())
    seen = look_at(true)
    off = {20: true[20], 21: Pose.from_rotation(np.zeros(3), (5.0, 0, 0)), 22: true[22]}
    found = match_ratios(seen.place, off)
    assert found[21] > 1.1
    assert max(found[20], found[22]) < 0.8
