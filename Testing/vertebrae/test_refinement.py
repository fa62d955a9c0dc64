"""Poses found on scenes whose truth is known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from spine_ctmr.geometry.boxes import patient_axes
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.vertebrae.placed_scene import PlacedScene
from spine_ctmr.vertebrae.refinement import RefinementOptions, Stage, VertebraPose, refine_poses
from spine_ctmr.vertebrae.scene import make_scene

Array = NDArray[Any]
Seen = Any  # of conftest.py, which importlib mode does not let tests import
Look = Callable[..., Seen]
Centers = dict[int, Array]

QUICK = RefinementOptions(
    stages=(Stage(2, 700, 12, 2, 1), Stage(1, 2500, 6, 2, 1)), shifts_mm=0.0, turns_deg=0.0
)

THOROUGH = replace(QUICK, stages=(QUICK.stages[0], replace(QUICK.stages[1], points=5000)))

EVERY_STAGE = RefinementOptions(stages=(Stage(4, 500, 10, 1, 1), *THOROUGH.stages))


def _bent(centers: Centers) -> dict[int, Pose]:
    """About 4 mm and 4 degrees from no motion, different for every bone."""
    turns = {20: [0.06, 0.02, -0.03], 21: [-0.01, -0.05, 0.05], 22: [-0.06, 0.02, 0.04]}
    shifts = {20: [2.5, -2.4, 1.3], 21: [2.2, -2.9, 1.7], 22: [1.9, -3.1, 1.2]}
    return {n: Pose.from_rotation(turns[n], shifts[n], c) for n, c in centers.items()}


def _refine(place: PlacedScene, options: RefinementOptions = QUICK) -> dict[int, VertebraPose]:
    return refine_poses(place, [{}], options)


def _without_mr_above(place: PlacedScene, end_mm: float) -> PlacedScene:
    gone = torch.tensor(place.box.points()[..., 2] > end_mm)
    scene = replace(place.scene, mr=place.scene.mr.masked_fill(gone, 0.0), mr_seen=~gone)
    return replace(place, scene=scene)


def _largest_difference(a: dict[int, VertebraPose], b: dict[int, VertebraPose], centers: Centers) -> float:
    """Largest distance in mm between the same bone points moved by two results."""
    offsets = np.random.default_rng(0).normal(0, [9, 9, 6], (100, 3))
    return max(
        float(np.linalg.norm(a[n].pose.apply(c + offsets) - b[n].pose.apply(c + offsets), axis=1).max())
        for n, c in centers.items()
    )


@pytest.fixture(scope="module")
def bent(look_at: Look, centers: Centers) -> Seen:
    return look_at(_bent(centers))


@pytest.fixture(scope="module")
def refined(bent: Seen) -> dict[int, VertebraPose]:
    return _refine(bent.place, THOROUGH)


def test_bones_are_found_from_4_mm_and_4_degrees_away(bent: Seen, refined: dict[int, VertebraPose]) -> None:
    for number, found in refined.items():
        assert bent.spine.error_mm(number, Pose.identity()) > 3.5
        assert bent.spine.error_mm(number, found.pose) < 0.1


def test_poses_are_exactly_rigid(refined: dict[int, VertebraPose]) -> None:
    for found in refined.values():
        rotation = found.pose.rotation
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(rotation) == pytest.approx(1)


def test_a_found_bone_explains_the_images_better(refined: dict[int, VertebraPose]) -> None:
    for found in refined.values():
        assert found.residual_after < 0.8 * found.residual_before


def test_bones_inside_both_images_are_visible(refined: dict[int, VertebraPose]) -> None:
    assert all(found.visible_share > 0.95 for found in refined.values())


def test_the_same_seed_gives_the_same_poses(bent: Seen, refined: dict[int, VertebraPose]) -> None:
    again = _refine(bent.place, THOROUGH)
    for number, found in refined.items():
        np.testing.assert_array_equal(again[number].pose.matrix, found.pose.matrix)


def test_threads_change_next_to_nothing(bent: Seen, centers: Centers) -> None:
    coarse = replace(QUICK, stages=(Stage(4, 400, 6, 1, 1),))
    alone, before = _refine(bent.place, coarse), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert _largest_difference(_refine(bent.place, coarse), alone, centers) < 0.02
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_a_start_that_is_true_wins_over_the_default(look_at: Look, centers: Centers) -> None:
    """From 13 mm and 15 degrees away only the given start leads to the truth."""
    far = Pose.from_rotation([0.05, 0.02, 0.25], [6, -10, 5])
    seen = look_at(dict.fromkeys(centers, far))
    options = replace(QUICK, stages=(replace(QUICK.stages[0], keep=2), QUICK.stages[1]))
    start = Pose.from_rotation([0.03, 0.0, 0.22], [5, -9, 4])
    found = refine_poses(seen.place, [{}, dict.fromkeys(centers, start)], options)
    for number, pose in found.items():
        assert seen.spine.error_mm(number, pose.pose) < 0.2


@pytest.mark.parametrize("offset", [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5)])
def test_equal_lattices_do_not_pull_toward_half_voxels(
    look_at: Look, centers: Centers, offset: tuple[float, float, float]
) -> None:
    """Strong noise on coincident lattices draws interpolated matches to half-voxel offsets."""
    shift = Pose.from_rotation([0, 0, 0], offset)
    seen = look_at(dict.fromkeys(centers, shift), noise=0.12)
    found = _refine(seen.place)
    bias = np.mean(
        [
            pose.pose.rotation @ centers[n] + pose.pose.translation_mm - centers[n]
            for n, pose in found.items()
        ],
        0,
    )
    assert np.linalg.norm(bias - offset) < 0.1


@pytest.fixture(scope="module")
def half_seen(look_at: Look, centers: Centers) -> tuple[Seen, dict[int, VertebraPose]]:
    """The MR ends below the topmost bone; all bones move alike."""
    common = Pose.from_rotation([0.05, 0.0, 0.04], [2, -2, 1])
    seen = look_at(dict.fromkeys(centers, common))
    return seen, _refine(_without_mr_above(seen.place, 11.0))


def test_a_bone_outside_the_mr_follows_its_neighbour(half_seen: tuple[Seen, dict[int, VertebraPose]]) -> None:
    seen, found = half_seen
    relative = found[20].pose @ found[21].pose.inverse
    assert relative.angle_deg < 1.0
    assert seen.spine.error_mm(20, found[20].pose) < 1.0


def test_a_bone_outside_the_mr_is_reported_as_unseen(half_seen: tuple[Seen, dict[int, VertebraPose]]) -> None:
    _, found = half_seen
    assert found[20].visible_share < 0.1
    assert found[21].visible_share > 0.7


def test_a_bone_outside_the_mr_does_not_spoil_the_others(
    half_seen: tuple[Seen, dict[int, VertebraPose]],
) -> None:
    seen, found = half_seen
    assert seen.spine.error_mm(22, found[22].pose) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize(("end_mm", "limit_mm"), [(20.0, 0.5), (25.0, 0.2), (30.0, 0.15)])
def test_the_end_of_the_mr_does_not_pull_the_bone_that_it_cuts(
    look_at: Look, centers: Centers, end_mm: float, limit_mm: float
) -> None:
    """Black beyond the end looks like an end plate: with it, 0.8, 0.4 and 0.3 mm."""
    seen = look_at(dict.fromkeys(centers, Pose.from_rotation([0.03, 0.0, 0.02], [1, -1, 0.5])))
    found = _refine(_without_mr_above(seen.place, end_mm), EVERY_STAGE)
    assert seen.spine.error_mm(20, found[20].pose) < limit_mm
    assert seen.spine.error_mm(21, found[21].pose) < 0.15


def test_joints_that_open_are_reported(look_at: Look, centers: Centers) -> None:
    poses = {n: Pose.from_rotation([0, 0, 0], [0, 0, 0 if n > 20 else 3.0]) for n in centers}
    found = _refine(look_at(poses).place)
    assert found[20].neighbour_disagreement_mm == pytest.approx(3, abs=0.3)
    assert found[22].neighbour_disagreement_mm < 0.3


def test_one_bone_alone_is_found(look_at: Look, centers: Centers) -> None:
    poses = _bent(centers)
    seen = look_at(poses)
    found = _refine(replace(seen.place, ct_centers={21: centers[21]}))
    assert list(found) == [21]
    assert seen.spine.error_mm(21, found[21].pose) < 0.15


def _scanned(
    make_spine: Callable[..., Any], centers: Centers
) -> tuple[Any, sitk.Image, sitk.Image, sitk.Image]:
    """A spine, its CT and labels on one grid, and its MR on an oblique anisotropic one."""
    spine, rng = make_spine(_bent(centers)), np.random.default_rng(5)
    corners = np.array([(x, y, z) for x in (-30.0, 30) for y in (-20.0, 40) for z in (-42.0, 42)])
    ct_grid = Grid.around(corners, (1.1, 1.1, 1.3))
    hu, labels = spine.ct(ct_grid.points().reshape(-1, 3))
    tilt = Rotation.from_euler("xyz", [4, -3, 5], degrees=True).as_matrix()
    mr_grid = Grid.around(corners, (1.2, 1.0, 1.6), 2.0, tilt @ [[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])
    signal = spine.mr(mr_grid.points().reshape(-1, 3))
    ct = ct_grid.image((hu + rng.normal(0, 15, hu.shape)).reshape(ct_grid.shape).astype(np.float32))
    mr = mr_grid.image((signal + rng.normal(0, 8, signal.shape)).reshape(mr_grid.shape).astype(np.float32))
    return spine, ct, mr, ct_grid.image(labels.reshape(ct_grid.shape))


def _refine_scans(
    ct: sitk.Image, mr: sitk.Image, labels: sitk.Image, centers: Centers
) -> dict[int, VertebraPose]:
    moved = np.array([c + d for c in centers.values() for d in ([-24, -14, -14], [24, 30, 14])])
    corners = np.array([(x, y, z) for x in moved[:, 0] for y in moved[:, 1] for z in moved[:, 2]])
    box = Grid.around(corners, 1.0, 6.0, patient_axes(Grid.of(mr).axes))
    scene = make_scene(ct, mr, labels, Pose.identity(), box)
    return _refine(PlacedScene(scene, box, Pose.identity(), centers))


@pytest.mark.slow
def test_storage_order_of_the_mr_changes_nothing(make_spine: Callable[..., Any], centers: Centers) -> None:
    spine, ct, mr, labels = _scanned(make_spine, centers)
    plain = _refine_scans(ct, mr, labels, centers)
    stored = sitk.Flip(sitk.PermuteAxes(mr, (2, 0, 1)), (True, False, True))
    other = _refine_scans(ct, stored, labels, centers)
    assert max(spine.error_mm(n, p.pose) for n, p in plain.items()) < 0.2
    assert _largest_difference(plain, other, centers) < 0.01


def test_the_global_motion_is_part_of_every_pose(make_spine: Callable[..., Any], centers: Centers) -> None:
    """A scene brought near by a large global motion gives poses from the CT's own frame."""
    spine, ct, mr, labels = _scanned(make_spine, centers)
    away = Pose.from_rotation([0.3, -0.2, 0.4], [80, 50, -120])
    for image in (ct, labels):
        grid = Grid.of(image)
        moved = away.apply(grid.origin_mm)
        image.SetOrigin(moved.tolist())
        image.SetDirection((away.rotation @ grid.axes).ravel().tolist())
    back = away.inverse
    box = Grid.around(np.array([[-26.0, -16, -40], [26, 36, 40]]), 1.0, 6.0)
    scene = make_scene(ct, mr, labels, back, box)
    far = {n: away.apply(c) for n, c in centers.items()}
    found = _refine(PlacedScene(scene, box, back, far))
    for number, pose in found.items():
        assert spine.error_mm(number, pose.pose @ away) < 0.2
