"""How far off a refined pose may be: what the images' slopes, the joints and the scanner leave open."""

from __future__ import annotations

from typing import NamedTuple

import torch

from .gauss_newton import Poses

CALIBRATION = 1.4
"""Errors found, over what the covariances say: of the rotation, and of the place where an MR shows no
chemical shift (docs/measured/flag_calibration.md)."""
SCANNER_MM = 0.45
"""What no slope of the images tells: fat, and with it the marrow, appears up to 2 mm beside where it is, on
six of ten scanners. Chosen with `CALIBRATION` on the same patients."""
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
    place = (CALIBRATION**2 * variance + SCANNER_MM**2).sqrt()
    return PoseUncertainty(place, torch.rad2deg(CALIBRATION * turn.sqrt()))
