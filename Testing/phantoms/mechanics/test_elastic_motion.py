"""The motion of a patient's tissue: rigid in bone, without folds, the global motion far away."""

from __future__ import annotations

import numpy as np
import pytest
from gears import slow_fixture

pytest.importorskip("skfem", reason="needs the extra 'research'")
pytest.importorskip("pyamg", reason="needs the extra 'research'")

from spine_ctmr.geometry.grid import Grid
from spine_ctmr.phantoms.anatomy import Anatomy, make_anatomy
from spine_ctmr.phantoms.mechanics.bone_distances import nearest_bones
from spine_ctmr.phantoms.mechanics.elastic_motion import ElasticMotion
from spine_ctmr.phantoms.mechanics.posture import PostureOptions, random_posture
from spine_ctmr.phantoms.mechanics.tissue import Tissue
from spine_ctmr.phantoms.motion import global_of

ORGANS_MM = 5.0


def box_of(anatomy: Anatomy) -> tuple[np.ndarray, np.ndarray]:
    low, high = anatomy.centers.min(0), anatomy.centers.max(0)
    return low - np.array([70, 110, 50]), high + np.array([70, 95, 50])


@pytest.fixture(scope="module")
@slow_fixture
def motion() -> ElasticMotion:
    rng = np.random.default_rng(6)
    anatomy = make_anatomy(rng, (22, 23, 24))
    tissue = Tissue.prepared(anatomy, box_of(anatomy), step_mm=6.0)
    poses = random_posture(rng, anatomy, PostureOptions(bend=0.5))
    organs = tissue.organ_motion(rng, ORGANS_MM)
    assert np.linalg.norm(organs, axis=1).max() == pytest.approx(ORGANS_MM)
    assert not organs[tissue.solid.held].any()
    return ElasticMotion.of(tissue, poses, global_of(poses, anatomy), organs)


def test_every_point_of_a_moved_bone_is_where_its_pose_says(motion: ElasticMotion):
    anatomy = motion.anatomy
    for number, center in zip(anatomy.numbers, anatomy.centers, strict=True):
        around = center + np.random.default_rng(number).uniform(-25, 25, (4000, 3))
        near = nearest_bones(anatomy, around)
        mine = (
            (near.distance < 0) & (near.second_distance > 1) & (near.first == anatomy.numbers.index(number))
        )
        bone = around[mine]
        moved = motion.poses[number].apply(bone)
        assert len(bone) > 300
        np.testing.assert_allclose(motion.mr_to_ct(moved), bone, atol=1e-9)


def test_tissue_does_not_fold_and_bends_between_the_bones(motion: ElasticMotion):
    centers = motion.global_rigid.apply(motion.anatomy.centers)
    grid = Grid.around(centers, 1.5, 55.0)
    places = motion.mr_to_ct(grid.points().reshape(-1, 3)).reshape(*grid.shape, 3)
    slopes = [np.gradient(places, 1.5, axis=axis) for axis in (2, 1, 0)]
    volume = np.linalg.det(np.stack(slopes, -1))
    assert volume.min() > 0
    assert 0.9 < np.median(volume) < 1.1
    assert volume.std() > 0.01


def test_the_border_of_the_box_follows_the_global_motion(motion: ElasticMotion):
    low, high = box_of(motion.anatomy)
    corners = np.array([low - 5, high + 5, [low[0] - 5, high[1] + 5, low[2] - 5]])
    moved = motion.global_rigid.apply(corners)
    np.testing.assert_allclose(motion.mr_to_ct(moved), corners, atol=1e-6)


def test_bone_holds_for_a_margin_on_request(motion: ElasticMotion):
    number, center = motion.anatomy.numbers[1], motion.anatomy.centers[1]
    around = center + np.random.default_rng(1).uniform(-30, 30, (4000, 3))
    near = nearest_bones(motion.anatomy, around)
    rim = around[
        (near.first == 1) & (near.distance > 0.3) & (near.distance < 1.5) & (near.second_distance > 8)
    ]
    moved = motion.poses[number].apply(rim)
    assert np.abs(motion.mr_to_ct(moved, rigid_mm=2.0) - rim).max() < 1e-9
    assert np.abs(motion.mr_to_ct(moved) - rim).max() > 1e-3
