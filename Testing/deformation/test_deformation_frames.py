"""The deformation in any frame: simple motions, oblique boxes, far origins, and which way images move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import center_of_mass
from spine_ctmr.deformation.bones import distance_from_bones, make_bones
from spine_ctmr.deformation.deformation import bone_motion, build_deformation, compose
from spine_ctmr.deformation.options import DeformationOptions
from spine_ctmr.geometry.boxes import labels_in_box, node_coordinates, spine_box, to_box
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose

Moved = Any  # of conftest.py, which importlib mode does not let tests import
Mover = Callable[..., Moved]
Bend = Callable[[float, float], dict[int, Pose]]
Array = NDArray[Any]

SMALL = DeformationOptions(spacing_mm=1.5, reach_mm=12.0)
COMMON = Pose.from_rotation([0.2, -0.1, 0.3], [15, -8, 20], [5, 5, 5])
SHIFT = np.array([6.0, 0.0, 3.0])
TILTED = Pose.from_rotation([0.5, -0.3, 0.7], [40, -25, 60])


def test_unmoved_bones_give_fields_of_zeros(move_bones: Mover) -> None:
    deformation = move_bones({1: Pose.identity(), 2: Pose.identity()}, options=SMALL).deformation
    assert np.abs(deformation.mr_to_ct_field).max() < 1e-6
    assert np.abs(deformation.ct_to_mr_field).max() < 1e-6


def test_a_motion_that_all_bones_share_is_rigid_everywhere(move_bones: Mover) -> None:
    moved = move_bones({1: Pose.identity(), 2: Pose.identity()}, global_rigid=COMMON, options=SMALL)
    points = np.concatenate([moved.box_points(300), moved.box_points(50) + 500])
    np.testing.assert_allclose(moved.to_ct(points), COMMON.inverse.apply(points), atol=1e-5)


def test_one_bone_alone_is_rigid(move_bones: Mover) -> None:
    pose = Pose.from_rotation([0.05, 0.03, -0.06], [2, -3, 1])
    moved = move_bones({1: pose}, options=SMALL)
    points = moved.bone_points(1)
    np.testing.assert_allclose(moved.to_mr(points), pose.apply(points), atol=0.01)


@pytest.mark.parametrize("number", [1, 2])
def test_bones_are_rigid_after_a_global_motion_in_an_oblique_box(
    move_bones: Mover, bend: Bend, number: int
) -> None:
    moved = move_bones(bend(8, 4), global_rigid=COMMON, frame=TILTED, options=SMALL)
    points = moved.bone_points(number, inside_mm=0.7)
    pose = moved.deformation.poses[number]
    assert np.linalg.norm(moved.to_mr(points) - pose.apply(points), axis=1).max() <= 0.01
    assert np.linalg.norm(moved.to_ct(pose.apply(points)) - points, axis=1).max() <= 0.01


def test_an_oblique_box_gives_the_same_answer_as_a_straight_one(move_bones: Mover, bend: Bend) -> None:
    straight = move_bones(bend(8, 4), options=SMALL)
    oblique = move_bones(bend(8, 4), frame=TILTED, options=SMALL)
    points = straight.box_points(1500)
    tilted = TILTED.inverse.apply(oblique.to_ct(TILTED.apply(points)))
    difference = np.linalg.norm(tilted - straight.to_ct(points), axis=1)
    assert np.percentile(difference, 99) < 0.3  # the two lattices sample the same motion differently
    assert np.median(difference) < 0.02


@pytest.mark.parametrize("number", [1, 2])
def test_origins_ten_metres_away_keep_bones_rigid(move_bones: Mover, bend: Bend, number: int) -> None:
    """Poses are float64 and fields are relative to the box, so 1e4 mm costs less than 0.001 mm."""
    far = Pose.from_rotation([0.4, 0.1, -0.2], [1e4, -1e4, 1e4])
    moved = move_bones(bend(8, 4), global_rigid=COMMON, frame=far, options=SMALL)
    points = moved.bone_points(number, inside_mm=0.7)
    pose = moved.deformation.poses[number]
    assert np.linalg.norm(moved.to_mr(points) - pose.apply(points), axis=1).max() <= 1e-3


def test_labels_outside_the_table_of_poses_stay_out(move_bones: Mover) -> None:
    grid = Grid((20, 20, 20), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    labels = np.zeros(grid.shape, np.uint8)
    labels[5:9, 5:9, 5:9], labels[12:15, 12:15, 12:15] = 20, 21
    bones = make_bones(labels, grid, {20: Pose.identity(), 24: Pose.identity()}, Pose.identity(), 5.0)
    assert [b.number for b in bones] == [20]


def test_bones_moved_into_each_other_are_reported(move_bones: Mover) -> None:
    """The upper bone sinks 12 mm over a gap of 8 mm: 4 of its 16 mm lie inside the lower one."""
    poses = {1: Pose.identity(), 2: Pose.from_rotation([0, 0, 0], [0, 0, -12])}
    folded = DeformationOptions(spacing_mm=1.0, reach_mm=20.0, untangling_rounds=0)
    overlap = move_bones(poses, options=folded).deformation.overlap
    assert overlap[1] == pytest.approx(0.25, abs=0.08)
    assert overlap[2] == pytest.approx(0.25, abs=0.08)


def test_a_bone_that_the_box_cuts_is_rigid_inside_it() -> None:
    box = Grid((50, 40, 40), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    labels = np.zeros(box.shape, np.uint8)
    labels[10:30, 10:30, :26] = 20
    pose = Pose.from_rotation([0.02, 0.05, 0.03], [1.0, 1.5, -0.5], [12, 20, 20])
    options = DeformationOptions(spacing_mm=1.0, reach_mm=14.0)
    bones = make_bones(labels, box, {20: pose}, Pose.identity(), options.reach_mm)
    motion = bone_motion(bones, box, options)
    field = build_deformation(bones, box, {20: pose}, Pose.identity(), options, motion).mr_to_ct_field
    true = pose.inverse.apply(box.points())
    inside = ((true >= [2, 10, 10]) & (true <= [25, 29, 29])).all(-1)
    np.testing.assert_allclose((box.points() + field)[inside], true[inside], atol=0.01)


def test_images_move_with_the_points(move_bones: Mover) -> None:
    """A bright ball in bone 2 of the CT appears in the resampled CT where its pose takes it."""
    shift = Pose.from_rotation([0, 0, 0], SHIFT)
    moved = move_bones({1: Pose.identity(), 2: shift})
    ball = np.array([2.0, -3.0, 12.0])
    grid = moved.deformation.box
    ct = grid.image(np.exp(-np.square(grid.points() - ball).sum(-1) / 8).astype(np.float32))
    in_mr = sitk.Resample(ct, grid.empty(), moved.deformation.mr_to_ct(), sitk.sitkLinear)
    z, y, x = center_of_mass(sitk.GetArrayFromImage(in_mr))
    np.testing.assert_allclose(grid.to_points([x, y, z]), ball + SHIFT, atol=0.1)


def test_mr_images_move_to_the_ct_the_other_way(move_bones: Mover) -> None:
    shift = Pose.from_rotation([0, 0, 0], SHIFT)
    moved = move_bones({1: Pose.identity(), 2: shift})
    ball = np.array([2.0, -3.0, 12.0])
    grid = moved.deformation.box
    mr = grid.image(np.exp(-np.square(grid.points() - ball - SHIFT).sum(-1) / 8).astype(np.float32))
    in_ct = sitk.Resample(mr, grid.empty(), moved.deformation.ct_to_mr(), sitk.sitkLinear)
    z, y, x = center_of_mass(sitk.GetArrayFromImage(in_ct))
    np.testing.assert_allclose(grid.to_points([x, y, z]), ball, atol=0.1)


def _swell(options: DeformationOptions) -> Callable[[torch.Tensor, Grid], torch.Tensor]:
    """Soft motion of up to 3 mm along y in the free tissue behind the bones, zero near them."""

    def change(motion: torch.Tensor, box: Grid) -> torch.Tensor:
        coarse = box.coarse(options.stride)
        local = node_coordinates(coarse) - torch.tensor(np.subtract(box.center_mm, box.origin_mm)).float()
        bump = (1 - ((local - torch.tensor([0.0, 26.0, 0.0])) / 7).square().sum(-1)).clamp(min=0)
        soft = torch.stack([torch.zeros_like(bump), 3 * bump**2, torch.zeros_like(bump)], -1)
        return compose(motion, soft, options, box)

    return change


def test_soft_motion_leaves_bone_untouched(move_bones: Mover, bend: Bend) -> None:
    options = DeformationOptions(spacing_mm=1.0, reach_mm=24.0)
    moved = move_bones(bend(3, 2), options=options, change=_swell(options))
    for number, pose in moved.deformation.poses.items():
        points = moved.bone_points(number, inside_mm=0.5)
        np.testing.assert_allclose(moved.to_mr(points), pose.apply(points), atol=0.01)


def test_soft_motion_adds_to_the_motion_of_the_bones(move_bones: Mover) -> None:
    options = DeformationOptions(spacing_mm=1.0, reach_mm=24.0)
    moved = move_bones({1: Pose.identity(), 2: Pose.identity()}, options=options, change=_swell(options))
    middle = moved.deformation.box.center_mm + np.array([0, 26, 0])
    np.testing.assert_allclose(moved.to_ct(middle[None])[0], middle + np.array([0, 3, 0]), atol=0.3)


def test_motions_in_box_coordinates_move_points_as_in_lps() -> None:
    box = Grid((5, 6, 7), (2.0, 2.0, 2.0), (10.0, 20.0, -30.0), tuple(TILTED.rotation.ravel()))
    local = np.random.default_rng(0).uniform(0, 10, (20, 3))
    in_lps = COMMON.apply(np.array(box.origin_mm) + local @ box.axes.T)
    in_box = np.array(box.origin_mm) + to_box(COMMON, box).apply(local) @ box.axes.T
    np.testing.assert_allclose(in_box, in_lps, atol=1e-9)


def test_labels_travel_to_the_box_with_the_global_motion() -> None:
    ct = Grid((24, 22, 20), (1.0, 1.2, 1.5), (-12.0, -13.0, -15.0))
    array = np.zeros(ct.shape, np.uint8)
    array[6:14, 6:16, 7:17] = 21
    box = Grid.around(COMMON.apply(ct.corners()), 1.0)
    found = labels_in_box(ct.image(array), COMMON, box)
    middle = box.to_points(np.argwhere(found == 21)[:, ::-1]).mean(0)
    np.testing.assert_allclose(middle, COMMON.apply(ct.to_points([11.5, 10.5, 9.5])), atol=0.15)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_the_coarse_nodes_of_a_spine_box_end_on_its_border(stride: int) -> None:
    points = np.array([[0.0, 0, 0], [33, 47, 71]])
    box = spine_box(points, 1.3, 10.0, TILTED.rotation, stride)
    assert all((n - 1) % stride == 0 for n in box.size)
    assert box.contains(points, 9.0).all()


def test_distance_from_a_moved_ball_is_geometric() -> None:
    box = Grid((41, 41, 41), (1.0, 1.0, 1.0), (-20.0, -20.0, -20.0))
    shift = Pose.from_rotation([0, 0, 0], [4, -3, 2])
    ball = (np.linalg.norm(box.points(), axis=-1) <= 6).astype(np.uint8)
    bones = make_bones(ball, box, {1: shift}, Pose.identity(), 10.0)
    found = distance_from_bones(bones, box, 1.0, 8.0).distance.numpy()
    true = np.maximum(np.linalg.norm(box.points() - [4, -3, 2], axis=-1) - 6, 0)
    near = (true > 0.5) & (true < 6)
    assert np.abs(found - true)[near].max() < 1.0
    assert found[true == 0].max() < 0.75


def test_tissue_close_to_bone_moves_with_it_and_far_tissue_does_not(move_bones: Mover) -> None:
    """Both bones move alike, as do the 10 mm of tissue around them; from there the motion fades."""
    shift = Pose.of(np.eye(3), SHIFT)
    moved = move_bones({1: shift, 2: shift})
    beside = np.array([[17.0 + d, 0.0, 12.0] for d in (4, 8, 15, 19.5)]) + SHIFT
    share = np.linalg.norm(moved.to_ct(beside) - beside, axis=1) / np.linalg.norm(SHIFT)
    np.testing.assert_allclose(share[:2], 1.0, atol=0.02)
    assert 0.2 < share[2] < 0.8
    assert share[3] < 0.1
