"""Bones of another size are told from the same bones, moved or not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform, binary_dilation
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.vertebrae.bone_size import bone_stretches

NUMBERS = (20, 21, 22)


def test_the_same_bones_need_no_stretching(look_at, centers):
    true = {n: Pose.from_rotation([0.05, 0.02, -0.04], [1.5, -2.0, n - 20], centers[n]) for n in NUMBERS}
    seen = look_at(true, noise=0.02)
    found = bone_stretches(seen.place, true)
    assert tuple(found) == NUMBERS
    assert max(found.values()) < 0.4


@pytest.mark.parametrize("stretch", [0.9, 1.1])
def test_a_wider_bone_is_stretched_by_as_much(look_at, centers, stretch):
    """All bones lie at nearly the same x, so stretching the MR about that x widens each in its place."""
    still = dict.fromkeys(NUMBERS, Pose.identity())
    seen = look_at(still, noise=0.02)
    middle = seen.place.box.to_indices(centers[21])[::-1]
    back = np.array([1, 1, 1 / stretch])
    wider = affine_transform(seen.place.scene.mr.numpy(), back, middle * (1 - back), order=1, mode="nearest")
    scene = replace(seen.place.scene, mr=torch.from_numpy(wider))
    found = bone_stretches(replace(seen.place, scene=scene), still)
    for number in NUMBERS:
        near = binary_dilation(seen.place.scene.labels == number)
        spread_mm = np.argwhere(near)[:, 2].std() * seen.place.box.spacing_mm[0]
        assert found[number] == pytest.approx(abs(stretch - 1) * spread_mm, abs=0.35)
        assert found[number] > 0.6


def test_nothing_is_said_outside_the_mr(look_at):
    still = dict.fromkeys(NUMBERS, Pose.identity())
    place = look_at(still).place
    nowhere = replace(place.scene, mr_seen=torch.zeros_like(place.scene.mr_seen))
    found = bone_stretches(replace(place, scene=nowhere), still)
    assert np.isnan(list(found.values())).all()
