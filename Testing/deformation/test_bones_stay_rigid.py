"""Bones that move against each other stay rigid, and nothing folds between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose

Mover = Callable[..., Any]
Moved = Any  # of conftest.py, which importlib mode does not let tests import
Array = NDArray[Any]


def _distance(a: Array, b: Array) -> Array:
    return np.linalg.norm(a - b, axis=-1)


def _node_determinants(field: Array, box: Grid) -> Array:
    """det J of p + field(p) by central differences at the nodes."""
    places = box.points() + field
    by_z, by_y, by_x = np.gradient(places, axis=(0, 1, 2))
    return np.linalg.det(np.stack([by_x, by_y, by_z], -1)) / np.linalg.det(box.index_to_point[:3, :3])


def _cell_determinants(field: Array, box: Grid) -> Array:
    """det J at the 8 corners of every cell of the trilinear interpolant of p + field(p), (8, n)."""
    places = box.points() + field
    steps = [np.diff(places, axis=a) for a in range(3)]
    nz, ny, nx = (n - 1 for n in box.shape)
    found = []
    for z, y, x in np.ndindex(2, 2, 2):
        by_z = steps[0][:, y : y + ny, x : x + nx]
        by_y = steps[1][z : z + nz, :, x : x + nx]
        by_x = steps[2][z : z + nz, y : y + ny, :]
        found.append((np.cross(by_x, by_y) * by_z).sum(-1).ravel())
    return np.array(found) / np.linalg.det(box.index_to_point[:3, :3])


@pytest.mark.parametrize("inside_mm", [0.0, 0.5], ids=["voxel-centres", "between-voxels"])
@pytest.mark.parametrize("number", [1, 2])
def test_bone_points_of_the_ct_follow_their_pose(opposed: Moved, number: int, inside_mm: float) -> None:
    points = opposed.bone_points(number, inside_mm=inside_mm)
    pose = opposed.deformation.poses[number]
    assert _distance(opposed.to_mr(points), pose.apply(points)).max() <= 0.01


@pytest.mark.parametrize("inside_mm", [0.0, 0.5], ids=["voxel-centres", "between-voxels"])
@pytest.mark.parametrize("number", [1, 2])
def test_bone_points_of_the_mr_come_from_their_pose(opposed: Moved, number: int, inside_mm: float) -> None:
    points = opposed.bone_points(number, inside_mm=inside_mm)
    pose = opposed.deformation.poses[number]
    assert _distance(opposed.to_ct(pose.apply(points)), points).max() <= 0.01


@pytest.mark.parametrize("number", [1, 2])
def test_bone_keeps_its_volume(opposed: Moved, number: int) -> None:
    points = opposed.deformation.poses[number].apply(opposed.bone_points(number, 150, 0.4))
    steps = np.eye(3) * 0.05
    columns = [(opposed.to_ct(points + s) - opposed.to_ct(points - s)) / 0.1 for s in steps]
    np.testing.assert_allclose(np.linalg.det(np.stack(columns, -1)), 1, atol=1e-3)


def test_mr_to_ct_does_not_fold_at_any_node(opposed: Moved) -> None:
    deformation = opposed.deformation
    assert _node_determinants(deformation.mr_to_ct_field, deformation.box).min() > 0


def test_neither_direction_folds_inside_any_cell(opposed: Moved) -> None:
    deformation = opposed.deformation
    for field in (deformation.mr_to_ct_field, deformation.ct_to_mr_field):
        assert _cell_determinants(field, deformation.box).min() > 0


@pytest.mark.slow
def test_bones_that_overlap_after_their_motions_do_not_fold(move_bones: Mover) -> None:
    poses = {n: Pose.from_rotation([0, 0, 0], [0, 0, s * 2.5]) for n, s in ((1, 1.0), (2, -1.0))}
    deformation = move_bones(poses, gap_mm=4.0).deformation
    for field in (deformation.mr_to_ct_field, deformation.ct_to_mr_field):
        assert _cell_determinants(field, deformation.box).min() > 0
    assert all(0 < share < 0.2 for share in deformation.contact.values())


def test_ct_to_mr_does_not_fold_where_a_gap_nearly_closes(strained: Moved) -> None:
    deformation = strained.deformation
    assert _node_determinants(deformation.ct_to_mr_field, deformation.box).min() > 0


def test_there_and_back_again(bent: Moved) -> None:
    points = bent.box_points(4000)
    distance = _distance(bent.to_mr(bent.to_ct(points)), points)
    assert np.percentile(distance, 99.5) <= 0.1
    assert distance.max() <= 0.3


def test_back_and_there_again(bent: Moved) -> None:
    points = bent.box_points(4000)
    distance = _distance(bent.to_ct(bent.to_mr(points)), points)
    assert np.percentile(distance, 99.5) <= 0.1
    assert distance.max() <= 0.3


def test_there_and_back_again_where_a_gap_nearly_closes(strained: Moved) -> None:
    points = strained.box_points(20_000)
    assert _distance(strained.to_mr(strained.to_ct(points)), points).max() <= 0.5


def test_displacement_is_zero_on_the_border_of_the_box(opposed: Moved) -> None:
    deformation = opposed.deformation
    for field in (deformation.mr_to_ct_field, deformation.ct_to_mr_field):
        for axis in range(3):
            assert not np.take(field, [0, -1], axis).any()


def test_far_from_the_spine_everything_follows_the_global_motion(opposed: Moved) -> None:
    far = opposed.deformation.box.corners() * 2
    moved = opposed.to_mr(far)
    np.testing.assert_allclose(moved, opposed.deformation.global_rigid.apply(far), atol=1e-9)


def test_bones_that_do_not_touch_do_not_overlap(opposed: Moved) -> None:
    assert set(opposed.deformation.overlap.values()) == {0.0}


@pytest.mark.parametrize("name", ["mr_to_ct", "ct_to_mr"])
def test_a_written_transform_moves_points_the_same(bent: Moved, name: str, tmp_path: Path) -> None:
    transform = getattr(bent.deformation, name)()
    sitk.WriteTransform(transform, str(tmp_path / f"{name}.h5"))
    again = sitk.ReadTransform(str(tmp_path / f"{name}.h5"))
    for point in bent.box_points(200).tolist():
        np.testing.assert_allclose(again.TransformPoint(point), transform.TransformPoint(point), atol=1e-9)
