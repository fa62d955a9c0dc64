"""Bones that reach into each other push each other apart, by the slope of what they lack."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from spine_ctmr.vertebrae.contact import ALLOWED_MM, Face, opposite_faces, push
from spine_ctmr.vertebrae.gauss_newton import JointPrior, Poses, normal_equations

NUMBERS = [20, 21]
GAP = 4


def _two_blocks() -> tuple[Face, ...]:
    """Blocks of 20 x 24 x 16 mm, one above the other, with `GAP` mm between them."""
    labels = np.zeros((60, 44, 44), np.uint8)
    labels[32:48, 10:34, 12:32] = 20
    labels[32 - GAP - 16 : 32 - GAP, 10:34, 12:32] = 21
    return opposite_faces(labels, NUMBERS, 1.0)


def _poses(shifts: np.ndarray, turns: np.ndarray) -> Poses:
    rotation = Rotation.from_rotvec(turns).as_matrix()
    centers = torch.tensor([[21.5, 21.5, 39.5], [21.5, 21.5, 19.5]], dtype=torch.float64)
    return Poses(torch.tensor(rotation)[None], torch.tensor(shifts, dtype=torch.float64)[None], centers)


def _energy(poses: Poses) -> float:
    pushes = [push(face, poses.rotation, poses.translation, poses.center) for face in _two_blocks()]
    return sum(float(p.excess.square().sum()) / 2 for p in pushes if p is not None)


def test_bones_that_do_not_meet_do_not_push() -> None:
    apart = _poses(np.array([[0, 0, -float(GAP)], [0.0, 0, 0]]), np.zeros((2, 3)))
    assert _energy(apart) == 0


def test_the_push_is_the_slope_of_the_depth() -> None:
    shifts = np.array([[0.4, -0.3, -GAP - 3.2], [0.2, 0.1, 0.3]])
    turns = np.array([[0.03, -0.02, 0.01], [-0.02, 0.03, 0.02]])
    poses = _poses(shifts, turns)
    prior = JointPrior(torch.zeros(1, 3).double(), _two_blocks(), shift_mm=1e9, turn_rad=1e9)
    right = normal_equations(torch.zeros(1, 2, 6, 6).double(), torch.zeros(1, 2, 6).double(), poses, prior)[1]
    numeric = np.zeros((2, 6))
    step = 1e-4
    for v in range(2):
        for k in range(6):
            ends = []
            for sign in (1, -1):
                change = torch.zeros(1, 2, 6).double()
                change[0, v, k] = sign * step
                ends.append(_energy(poses.updated(change)))
            numeric[v, k] = (ends[1] - ends[0]) / (2 * step)
    found = right.reshape(2, 6).numpy()
    np.testing.assert_allclose(found, numeric, atol=0.02 * np.abs(numeric).max())
    assert found[0, 5] > 0 > found[1, 5]


def test_steps_take_penetrating_bones_apart() -> None:
    poses = _poses(np.array([[0, 0, -GAP - 5.0], [0.0, 0, 0]]), np.zeros((2, 3)))
    joint = (poses.center[:1] + poses.center[1:]) / 2
    prior = JointPrior(joint, _two_blocks())
    none = torch.zeros(1, 2, 6, 6).double(), torch.zeros(1, 2, 6).double()
    for _ in range(12):
        matrix, right = normal_equations(*none, poses, prior)
        poses = poses.updated(torch.linalg.solve(matrix, right).reshape(1, 2, 6))
    closed = float(poses.translation[0, 1, 2] - poses.translation[0, 0, 2])
    assert closed < GAP + ALLOWED_MM + 0.5
