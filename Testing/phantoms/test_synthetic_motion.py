"""A synthetic patient's bones move by their poses, and the tissue between them smoothly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.phantoms.anatomy import make_anatomy
from spine_ctmr.phantoms.motion import MotionOptions, random_poses, random_soft_motion
from spine_ctmr.phantoms.rendering import bone_labels

Patient = Any  # of conftest.py, which importlib mode does not let tests import
Array = NDArray[Any]


def _labels(patient: Patient, points: Array) -> Array:
    flat = torch.tensor(points.reshape(-1, 3), dtype=torch.float32)
    return bone_labels(patient.anatomy, flat).numpy().reshape(points.shape[:-1])


def _transformed(transform: sitk.Transform, points: Array) -> Array:
    return np.array([transform.TransformPoint(p) for p in points.tolist()])


def _ct_grid(patient: Patient) -> Grid:
    center = patient.anatomy.centers.mean(0) + np.array([0, 16, 0])
    half = np.array([62.0, 58.0, 48.0])
    return Grid.around([center - half, center + half], 1.5)


@pytest.mark.parametrize("number", [21, 22])
def test_bones_follow_their_poses(patient: Patient, number: int) -> None:
    grid = _ct_grid(patient)
    voxels = np.argwhere(_labels(patient, grid.points()) == number)[:, ::-1]
    points = grid.to_points(voxels[np.random.default_rng(0).choice(len(voxels), 1500)])
    moved = _transformed(patient.deformation.ct_to_mr(), points)
    misfit = np.linalg.norm(moved - patient.poses[number].apply(points), axis=1)
    # on a 2 mm box single surface voxels of thin processes are no bone
    assert np.percentile(misfit, 99) <= 0.01


def test_rendered_bone_is_the_labels_moved_by_the_true_transform(patient: Patient) -> None:
    """The CT's labels pulled through the written transform against labels rendered from moved bones."""
    ct_grid, mr_to_ct = _ct_grid(patient), patient.deformation.mr_to_ct()
    center = patient.deformation.global_rigid.apply(ct_grid.center_mm)
    half = np.array([50, 48, 40])
    mr_grid = Grid.around([center - half, center + half], 1.5)
    ct_bone = ct_grid.image((_labels(patient, ct_grid.points()) > 0).astype(np.float32))
    warped = sitk.GetArrayFromImage(sitk.Resample(ct_bone, mr_grid.empty(), mr_to_ct, sitk.sitkLinear)) > 0.5
    moved = np.zeros(mr_grid.shape, bool)
    for number, pose in patient.poses.items():
        moved |= _labels(patient, pose.inverse.apply(mr_grid.points())) == number
    assert 2 * (warped & moved).sum() / (warped.sum() + moved.sum()) > 0.95


def test_soft_motion_spares_bone_and_border(patient: Patient) -> None:
    box = patient.deformation.box
    moved = np.zeros(box.shape, bool)
    for number, pose in patient.poses.items():
        moved |= _labels(patient, pose.inverse.apply(box.points())) == number
    soft = patient.soft.norm(dim=-1).numpy()
    assert soft.max() > 0.5
    assert soft[moved].max() < 0.05
    assert all(not np.take(soft, [0, -1], axis).any() for axis in range(3))


def test_soft_motion_keeps_to_its_largest_size() -> None:
    box = Grid((20, 22, 24), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
    options = MotionOptions(soft_mm=5.0, soft_length_mm=8.0)
    for seed in range(5):
        field = random_soft_motion(np.random.default_rng(seed), box, options, torch.full(box.shape, 50.0))
        assert 0.2 < float(field.norm(dim=-1).max()) <= 5.0


def test_joints_turn_and_slip_within_their_limits() -> None:
    rng = np.random.default_rng(0)
    wild = MotionOptions(joint_deg=(30.0, 30.0, 30.0), joint_mm=30.0)
    anatomy = make_anatomy(rng, (20, 21, 22))
    for _ in range(10):
        poses = random_poses(rng, anatomy, wild)
        for i, (upper, lower) in enumerate(((20, 21), (21, 22))):
            joint = anatomy.centers[i : i + 2].mean(0)
            opening = poses[upper].apply(joint) - poses[lower].apply(joint)
            assert np.linalg.norm(opening) <= 8 * np.sqrt(3) + 1e-9
            assert (poses[upper].inverse @ poses[lower]).angle_deg <= 8 * np.sqrt(3) + 1e-9


def test_a_bend_turns_every_joint_alike() -> None:
    rng = np.random.default_rng(2)
    still = MotionOptions(joint_deg=(0.0, 0.0, 0.0), joint_mm=0.0, bend_deg=(4.0, 0.0, 0.0))
    anatomy = make_anatomy(rng, (20, 21, 22, 23))
    poses = list(random_poses(rng, anatomy, still).values())
    for upper, lower, shape in zip(poses, poses[1:], anatomy.vertebrae, strict=False):
        expected = 0.0 if shape.fused_below else 4.0
        assert (upper.inverse @ lower).angle_deg == pytest.approx(expected, abs=1e-6)


def test_without_motion_every_pose_is_the_identity() -> None:
    still = MotionOptions(joint_deg=(0.0, 0.0, 0.0), joint_mm=0.0, global_deg=0.0, global_mm=0.0)
    rng = np.random.default_rng(1)
    poses = random_poses(rng, make_anatomy(rng, (20, 21)), still)
    for pose in poses.values():
        np.testing.assert_allclose(pose.matrix, np.eye(4), atol=1e-9)


def test_vertebrae_are_stacked_from_cranial_to_caudal_without_touching_bodies() -> None:
    for seed in range(10):
        anatomy = make_anatomy(np.random.default_rng(seed), (19, 20, 21, 22, 23, 24))
        np.testing.assert_allclose(anatomy.centers.mean(0), 0, atol=0.01)
        steps = np.linalg.norm(np.diff(anatomy.centers, axis=0), axis=1)
        heights = np.array([v.height for v in anatomy.vertebrae])
        assert (np.diff(anatomy.centers[:, 2]) < 0).all()
        assert (steps > (heights[:-1] + heights[1:]) / 2).all()
