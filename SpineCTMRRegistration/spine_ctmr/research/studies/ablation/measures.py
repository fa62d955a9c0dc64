"""What Table 1 of Jian et al. 2022 measures, and the errors that only synthetic patients tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ....geometry.grid import Grid
from ....geometry.jacobian import (
    folding_count,
    jacobian_determinant,
    sd_log_jacobian,
    sd_log_jacobian_learn2reg,
)
from ....network.motion import Motion
from ...losses.displacement import weighted_mean
from ...losses.rigid_dice import rigid_dice_and_volume
from ...losses.rigidity import properness, rigid_residuals
from ...training.batch import Batch
from ...training.outcome import Outcome
from ...training.validation import mean_dice


@dataclass(frozen=True)
class Measures:
    """One registration of one patient.

    Attributes:
        dsc: mean Dice of the vertebrae of MR and moved CT labels.
        rigid_dsc: mean Dice of every vertebra moved by the field and by the closest rigid motion.
        rigid_deviation_mm: RMS distance of the field in a vertebra from its best rigid motion, mean.
        volume_percent: mean unsigned change of a vertebra's volume; of whole vertebrae alone.
        properness: mean of (det J - 1)^2 in a vertebra, mean (eq. 6).
        folds: voxels with det J <= 0.
        sd_log_j: standard deviation of ln det J over the voxels that do not fold.
        sd_log_j_learn2reg: the variant that the paper prints, about four times too small.
        bone_mm: mean error of the displacement in bone.
        soft_mm: the same elsewhere.
        seconds: for the displacement, from the images on their grid.
    """

    dsc: float
    rigid_dsc: float
    rigid_deviation_mm: float
    volume_percent: float
    properness: float
    folds: float
    sd_log_j: float
    sd_log_j_learn2reg: float
    bone_mm: float
    soft_mm: float
    seconds: float


@torch.no_grad()
def measure_displacement(batch: Batch, displacement: Tensor, spacing_mm: float, seconds: float) -> Measures:
    """Measures of a displacement (1, 3, Z, Y, X) in mm for a batch of one pair with known truth."""
    outcome = Outcome(batch, Motion(displacement), spacing_mm)
    true = outcome.needed("displacement")
    error = (displacement - true).norm(dim=1, keepdim=True)
    seen, bone = outcome.weight, outcome.bone
    overlaps, volumes = rigid_dice_and_volume(displacement, batch.labels, spacing_mm)
    residuals = rigid_residuals(displacement, outcome.warped_labels, spacing_mm)
    deviations = [float(residual.square().sum(-1).mean().sqrt()) for residual in residuals]
    nz, ny, nx = displacement.shape[2:]
    grid = Grid((nx, ny, nz), (spacing_mm,) * 3, (0.0, 0.0, 0.0))
    determinant = jacobian_determinant(displacement[0].permute(1, 2, 3, 0).numpy(), grid)
    return Measures(
        dsc=mean_dice(outcome),
        rigid_dsc=_mean(overlaps),
        rigid_deviation_mm=_mean(deviations),
        volume_percent=100 * _mean(volumes),
        properness=float(properness(displacement, outcome.warped_labels, spacing_mm)),
        folds=folding_count(determinant),
        sd_log_j=sd_log_jacobian(determinant),
        sd_log_j_learn2reg=sd_log_jacobian_learn2reg(determinant),
        bone_mm=float(weighted_mean(error, seen * bone)),
        soft_mm=float(weighted_mean(error, seen * (1 - bone))),
        seconds=seconds,
    )


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else math.nan
