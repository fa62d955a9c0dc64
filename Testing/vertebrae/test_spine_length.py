"""A spine that is longer in one image is told, a bent one is not."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.vertebrae.spine_length import length_note, length_ratio

CENTERS = {n: np.array([3.0, 40.0, -33.0 * k]) for k, n in enumerate((20, 21, 22, 23))}


def boxes() -> sitk.Image:
    """A label map with a box about each centre."""
    grid = Grid((20, 20, 140), (1.0, 1.0, 1.0), (-6.5, 30.5, -119.5), tuple(np.eye(3).ravel()))
    labels = np.zeros(grid.shape, np.uint8)
    for number, center in CENTERS.items():
        z = round(float(grid.to_indices(center)[2]) - 0.5)
        labels[z - 5 : z + 7, 4:16, 4:16] = number
    return grid.image(labels)


LABELS = boxes()


def moved(factor: float, bend_deg: float = 0.0) -> dict[int, Pose]:
    """Vertebrae further apart by a factor, then turned joint by joint."""
    poses, place, angle = {}, np.array([10.0, -5.0, 7.0]), 0.0
    for number, center in CENTERS.items():
        turn = Pose.from_rotation([np.radians(angle), 0.0, 0.0], np.zeros(3), center)
        poses[number] = Pose.from_rotation(np.zeros(3), place - center, center) @ turn
        angle += bend_deg
        step = np.radians(angle)
        place = place + factor * 33.0 * np.array([0.0, np.sin(step), -np.cos(step)])
    return poses


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.08])
@pytest.mark.parametrize("bend_deg", [0.0, 6.0])
def test_length(factor, bend_deg):
    assert length_ratio(LABELS, moved(factor, bend_deg)) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("factor", "words"), [(1.05, "5 % longer in the MR"), (0.92, "8 % shorter in the MR")]
)
def test_what_posture_does_not_explain_is_told(factor, words):
    assert words in (length_note(LABELS, moved(factor, 4.0)) or "")


def test_what_posture_explains_is_not_told():
    assert length_note(LABELS, moved(1.02, 6.0)) is None
    assert length_note(LABELS == 20, moved(1.0)) is None


def test_a_joint_that_opens_by_two_millimetres_is_none_of_the_voxel_spacing() -> None:
    """As C1 and C2, 27 mm apart, when the head turns."""
    two = sitk.ChangeLabel(LABELS, {22: 0, 23: 0})
    poses = {20: Pose.identity(), 21: Pose.from_rotation(np.zeros(3), [0.0, 0.0, -2.0])}
    assert length_ratio(two, poses) > 1.05
    assert length_note(two, poses) is None
