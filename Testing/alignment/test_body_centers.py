"""Centres of vertebral bodies: analytic shapes on awkward grids, and a published case."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from spine_ctmr.alignment.centroids import body_centers, rigid_start
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose

Array = NDArray[np.float64]
Labeller = Callable[[Grid, dict[int, Array]], sitk.Image]

CENTERS = {20: np.array([31.3, -20.6, 1017.4]), 21: np.array([36.2, -12.1, 979.8])}
CORNERS = np.concatenate([c + np.array([[-45, -18, -18], [45, 62, 18]]) for c in CENTERS.values()])
CORNERS = np.array([(x, y, z) for x in CORNERS[:, 0] for y in CORNERS[:, 1] for z in CORNERS[:, 2]])
TILTED = Rotation.from_euler("xyz", [25, -30, 40], degrees=True).as_matrix()
SAGITTAL = np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])


@pytest.mark.parametrize(
    ("spacing", "axes"),
    [
        ((1.25, 1.25, 1.25), np.eye(3)),
        ((1.1, 1.1, 3.0), np.eye(3)),
        ((1.3, 1.2, 4.0), SAGITTAL),
        ((1.7, 1.7, 1.7), TILTED),
        ((1.3, 1.3, 3.0), TILTED @ SAGITTAL),
        ((1.5, 1.0, 2.0), np.diag([-1.0, -1.0, 1.0])),
        ((1.5, 1.0, 2.0), np.diag([-1.0, 1.0, 1.0])),
    ],
    ids=["plain", "thick", "sagittal", "oblique", "oblique-thick", "flipped", "left-handed"],
)
def test_body_center_despite_processes_on_any_grid(
    label_vertebrae: Labeller, spacing: tuple[float, float, float], axes: Array
) -> None:
    grid = Grid.around(CORNERS, spacing, 3.0, axes)
    found = body_centers(label_vertebrae(grid, CENTERS))
    assert list(found) == [20, 21]
    for number, center in CENTERS.items():
        assert np.linalg.norm(found[number] - center) < 2.0


@pytest.mark.parametrize(
    ("order", "flips"),
    [((2, 0, 1), (False,) * 3), ((0, 1, 2), (True, False, True)), ((1, 0, 2), (True,) * 3)],
)
def test_storage_order_of_the_same_voxels_changes_nothing(
    label_vertebrae: Labeller, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    labels = label_vertebrae(Grid.around(CORNERS, (2.0, 2.5, 3.0), 3.0, TILTED), CENTERS)
    stored = sitk.Flip(sitk.PermuteAxes(labels, order), flips)
    plain, other = body_centers(labels), body_centers(stored)
    for number in CENTERS:
        np.testing.assert_allclose(other[number], plain[number], atol=1e-4)


def test_a_body_without_processes_gives_its_centroid() -> None:
    grid = Grid((50, 40, 30), (1.0, 1.0, 1.0), (-20.0, 5.0, 100.0))
    array = np.zeros(grid.shape, np.uint8)
    array[8:22, 10:30, 12:38] = 22
    expected = grid.to_points([24.5, 19.5, 14.5])
    np.testing.assert_allclose(body_centers(grid.image(array))[22], expected, atol=0.2)


def test_a_single_voxel_is_its_own_center() -> None:
    grid = Grid((9, 8, 7), (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    array = np.zeros(grid.shape, np.uint8)
    array[2, 3, 4] = 24
    np.testing.assert_allclose(body_centers(grid.image(array))[24], grid.to_points([4, 3, 2]), atol=1e-6)


def test_a_bone_that_touches_the_border_has_its_center_inside_the_image(label_vertebrae: Labeller) -> None:
    whole = Grid.around(CORNERS, 1.5, 3.0)
    cut = whole.crop((0, 0, 0), (*whole.size[:2], 22))
    found = body_centers(label_vertebrae(cut, {21: CENTERS[21]}))[21]
    assert cut.contains(found)


def test_sacrum_center_is_in_its_first_segment() -> None:
    grid = Grid((61, 51, 71), (2.0, 2.0, 2.0), (-60.0, -40.0, -110.0))
    x, y, z = np.moveaxis(grid.points(), -1, 0)
    first = (x / 24) ** 2 + (y / 15) ** 2 + (z / 15) ** 2 <= 1
    lower = ((x / 18) ** 2 + ((y - 14) / 11) ** 2 + ((z + 45) / 42) ** 2) <= 1
    array = np.where(first | lower, 26, 0).astype(np.uint8)
    np.testing.assert_allclose(body_centers(grid.image(array))[26], [0, 0, 0], atol=6)


def test_centers_agree_with_the_published_ones(real_data: Path) -> None:
    folder = real_data / "verse014"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing")
    labels = sitk.ReadImage(str(folder / "sub-verse014_seg-vert_msk.nii.gz"), sitk.sitkUInt8)
    direction, *published = json.loads((folder / "sub-verse014_seg-vb_ctd.json").read_text())
    assert direction == {"direction": ["P", "I", "R"]}
    grid, found = Grid.of(labels), body_centers(labels)
    assert {c["label"] for c in published} <= set(found)
    for entry in published:
        expected = grid.to_points([entry["X"], entry["Y"], entry["Z"]])
        assert np.linalg.norm(found[entry["label"]] - expected) < 3.0


def test_start_follows_the_common_vertebrae_only() -> None:
    motion = Pose.from_rotation([0.1, 0.02, 0], [10, -20, 30])
    ct = {n: np.array([0.5 * n, 4.0 * (n % 2), -30.0 * n]) for n in (20, 21, 22, 23)}
    mr = {n: motion.apply(ct[n]) for n in (21, 22, 23)} | {5: np.array([1e3, 1e3, 1e3])}
    start = rigid_start(ct, mr)
    for number in (20, 21, 22, 23):
        assert np.linalg.norm(start.apply(ct[number]) - motion.apply(ct[number])) < 1.0


def test_start_from_one_vertebra_is_a_translation() -> None:
    start = rigid_start({20: np.array([1.0, 2, 3])}, {20: np.array([11.0, 2, -3])})
    np.testing.assert_allclose(start.matrix, Pose.of(np.eye(3), [10, 0, -6]).matrix, atol=1e-9)


def test_noise_across_a_straight_spine_hardly_turns_the_patient() -> None:
    rng = np.random.default_rng(0)
    ct = {n: np.array([0.0, 0.0, -35.0 * (n - 20)]) for n in range(20, 25)}
    mr = {n: c + rng.normal(0, 3, 3) for n, c in ct.items()}
    turn = Rotation.from_matrix(rigid_start(ct, mr).rotation).as_rotvec(degrees=True)
    assert abs(turn[2]) < 8


def test_centre_of_two_thin_pieces_is_known():
    array = np.zeros((20, 20, 20), np.uint8)
    array[2, 5:9, 5:9] = array[17, 5:9, 5:9] = 21
    center = body_centers(sitk.GetImageFromArray(array))[21]
    assert np.isfinite(center).all()
    assert 2 <= center[2] <= 17


@pytest.mark.parametrize(
    "spacing", [(0.8, 0.8, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 3.0), (1.5, 1.5, 1.5), (3.0, 1.0, 1.0)]
)
@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_atlas_lies_between_its_lateral_masses(spacing: tuple[float, float, float], shift: float) -> None:
    """A ring with a mass on either side, of which the left one is the larger."""
    grid = Grid.around(np.array([[-26.0, -22, -10], [26, 22, 10]]) + shift, spacing, 3.0)
    points = grid.points()
    x, y, z = np.moveaxis(points, -1, 0)
    ring = (np.abs(np.hypot(x / 1.3, y) - 14) < 3) & (np.abs(z) < 4)
    masses = [
        np.linalg.norm((points - c) / r, axis=-1) < 1
        for c, r in (((17, -3, 0), (8, 10, 8)), ((-17, -3, 0), (7, 9, 8)))
    ]
    found = body_centers(grid.image((ring | masses[0] | masses[1]).astype(np.uint8)))[1]
    assert np.linalg.norm(found - [0, -3, 0]) < 2.0
