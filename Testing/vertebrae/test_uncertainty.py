"""The uncertainty of bone points and rotation against motions drawn from the covariance."""

from __future__ import annotations

import numpy as np
import torch
from spine_ctmr.vertebrae.gauss_newton import Poses
from spine_ctmr.vertebrae.uncertainty import CALIBRATION, EVERY, SCANNER_MM, pose_uncertainty


def test_uncertainty_is_the_spread_of_the_poses_it_stands_for() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6)) * np.array([0.01, 0.02, 0.015, 0.5, 0.7, 0.4])
    covariance = root.T @ root
    center = np.array([5.0, 3, 2])
    poses = Poses(
        torch.eye(3).double()[None, None], torch.zeros(1, 1, 3).double(), torch.tensor(center)[None]
    )
    points = rng.normal(size=(1, 30 * EVERY, 3)) * 12 + [8, -4, 6]
    found = pose_uncertainty(torch.tensor(covariance)[None], poses, torch.tensor(points))
    drawn = rng.multivariate_normal(np.zeros(6), covariance, 100_000)
    arm = points[0, ::EVERY] - center
    moved = np.cross(drawn[:, None, :3], arm) + drawn[:, None, 3:]
    expected = np.hypot(CALIBRATION * np.sqrt(np.square(moved).sum(-1).mean()), SCANNER_MM)
    np.testing.assert_allclose(float(found.points_mm[0]), expected, rtol=0.01)
    turned = CALIBRATION * np.degrees(np.sqrt(np.square(drawn[:, :3]).sum(1).mean()))
    np.testing.assert_allclose(float(found.turn_deg[0]), turned, rtol=0.01)
