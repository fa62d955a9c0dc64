"""How far off a refined pose may be: what the images' slopes and the joints leave open."""

from __future__ import annotations

from typing import NamedTuple

import torch

from .gauss_newton import Poses

CALIBRATION = 1.2
"""Errors found, over what the covariances say: 36 vertebrae of five spines gave 0.97 in all (RMS), 1.3 for
those of which the MR shows a third or less."""
EVERY = 20
"""Of so many sample points of a bone one is enough."""


class PoseUncertainty(NamedTuple):
    """Standard deviations of n poses.

    Attributes:
        points_mm: (n,) of the bone's points, RMS over them.
        turn_deg: (n,) of the rotation.
    """

    points_mm: torch.Tensor
    turn_deg: torch.Tensor


def pose_uncertainty(covariance: torch.Tensor, poses: Poses, points: torch.Tensor) -> PoseUncertainty:
    """The uncertainty of single poses.

    Args:
        covariance: (n, 6, 6) of rotation vector and shift in mm (`Fit.covariance`).
        poses: of one start.
        points: (n, p, 3) box mm of each bone before the motion.
    """
    few = poses.apply(points[:, ::EVERY])[0]
    arm = few - (poses.center + poses.translation[0])[:, None]
    axes = torch.eye(3).to(arm)
    turned = torch.linalg.cross(axes.expand(*arm.shape[:2], 3, 3), arm[:, :, None].expand(-1, -1, 3, 3))
    moved = torch.cat([turned, axes.expand_as(turned)], 2)
    variance = torch.einsum("npki,nkl,npli->np", moved, covariance, moved).mean(1)
    turn = covariance[:, :3, :3].diagonal(dim1=1, dim2=2).sum(1)
    return PoseUncertainty(CALIBRATION * variance.sqrt(), torch.rad2deg(CALIBRATION * turn.sqrt()))
