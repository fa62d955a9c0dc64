"""Joints move within their ranges, all one way, and bones stay out of each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.phantoms.anatomy import Anatomy, make_anatomy
from spine_ctmr.phantoms.mechanics.contact import Joint
from spine_ctmr.phantoms.mechanics.joint_ranges import joint_range
from spine_ctmr.phantoms.mechanics.posture import PostureOptions, random_posture

LUMBAR = (20, 21, 22, 23, 24, 26)
NECK = (3, 4, 5, 6, 7, 8)


def joint_motions(anatomy: Anatomy, poses: dict[int, Pose]) -> list[Pose]:
    """Motion of each lower vertebra against the one above, in the CT's frame."""
    return [poses[a].inverse @ poses[b] for a, b in pairwise(anatomy.numbers)]


def turns_deg(anatomy: Anatomy, poses: dict[int, Pose]) -> np.ndarray:
    """Rotation vectors of the joints about (left, posterior, cranial) of the lower vertebra."""
    motions = joint_motions(anatomy, poses)
    vectors = [Rotation.from_matrix(m.rotation).as_rotvec(degrees=True) for m in motions]
    return np.array([f.rotation.T @ v for f, v in zip(anatomy.frames[1:], vectors, strict=True)])


@pytest.mark.parametrize(("seed", "levels"), [(0, LUMBAR), (1, NECK), (2, LUMBAR)])
def test_joints_stay_within_their_ranges_and_bones_out_of_each_other(seed: int, levels: tuple[int, ...]):
    rng = np.random.default_rng(seed)
    anatomy = make_anatomy(rng, levels)
    poses = random_posture(rng, anatomy, PostureOptions(flexion=0.8, lateral=0.8, axial=0.8))
    assert np.abs(turns_deg(anatomy, poses)).max() > 2
    for index, (motion, turn) in enumerate(
        zip(joint_motions(anatomy, poses), turns_deg(anatomy, poses), strict=True)
    ):
        limit = joint_range(*anatomy.numbers[index : index + 2])
        most = [limit.flexion_extension / 2, limit.lateral, limit.axial]
        assert np.linalg.norm(turn) <= np.linalg.norm(most) + 1e-6
        joint = Joint.below(anatomy, index)
        assert joint.penetration_mm(motion) <= joint.penetration_mm(Pose.identity()) + 0.25


def test_a_bent_posture_bends_every_free_joint_the_same_way():
    rng = np.random.default_rng(3)
    anatomy = make_anatomy(rng, LUMBAR)
    options = PostureOptions(flexion=0.0, lateral=0.0, axial=0.0, bend=0.6, unevenness=0.0, slip_mm=0.0)
    turns = turns_deg(anatomy, random_posture(rng, anatomy, options))
    free = [not v.fused_below for v in anatomy.vertebrae[:-1]]
    wanted = [-0.3 * joint_range(a, b).flexion_extension for a, b in pairwise(anatomy.numbers)]
    assert (turns[free, 0] < 0).all()
    assert (turns[free, 0] >= np.array(wanted)[free] - 1e-6).all()
    assert np.abs(turns[:, 1:]).max() < 1e-6


def test_motions_that_would_push_a_bone_into_another_are_changed():
    anatomy = make_anatomy(np.random.default_rng(4), LUMBAR)
    joint = Joint.below(anatomy, 1)
    up = Pose.of(np.eye(3), [0, 0, 12.0])
    turned = Pose.from_rotation([0, 0, 0.1], [0, 0, 12.0], anatomy.centers[2])
    assert joint.penetration_mm(up) > 2
    assert (
        joint.penetration_mm(joint.without_penetration(turned))
        <= joint.penetration_mm(Pose.identity()) + 0.21
    )


def test_every_pair_of_neighbours_has_a_range():
    chain = [*range(1, 20), 28, *range(20, 26), 26]
    assert all(joint_range(a, b).flexion_extension >= 4 for a, b in pairwise(chain))
    assert joint_range(24, 25) == joint_range(23, 24)
    assert joint_range(24, 26) == joint_range(25, 26)
