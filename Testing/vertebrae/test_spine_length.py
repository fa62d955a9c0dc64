"""A spine that is longer in one image is told, a bent one is not."""

from __future__ import annotations

import numpy as np
import pytest
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.vertebrae.spine_length import length_note, length_ratio

CENTERS = {n: np.array([3.0, 40.0, -33.0 * k]) for k, n in enumerate((20, 21, 22, 23))}


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
    assert length_ratio(CENTERS, moved(factor, bend_deg)) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("factor", "words"), [(1.05, "5 % longer in the MR"), (0.92, "8 % shorter in the MR")]
)
def test_what_posture_does_not_explain_is_told(factor, words):
    assert words in (length_note(CENTERS, moved(factor, 4.0)) or "")


def test_what_posture_explains_is_not_told():
    assert length_note(CENTERS, moved(1.02, 6.0)) is None
    assert length_note({20: CENTERS[20]}, moved(1.0)) is None
