"""What the papers measure of a registration, and the errors that only synthetic patients tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....evaluation.measure import VertebraEvaluation
from ....geometry.jacobian import (
    folding_count,
    jacobian_determinant,
    sd_log_jacobian,
    sd_log_jacobian_learn2reg,
)
from ....imaging.vertebra_names import cranial_to_caudal, vertebra_name
from ....network.motion import Motion
from ....quality.metrics import dice
from ....quality.quality_files import plain
from ....quality.surface_distance import surface_distances
from ...losses.displacement import weighted_mean
from ...losses.rigid_dice import rigid_dice_and_volume
from ...losses.rigidity import properness, rigid_residuals
from ...training.outcome import Outcome
from ..kernel import Values
from .held_out import HeldOutPatient

CUT_SHARE = 0.01
"""Most voxels of a vertebra on the border, as a share of all, for it to count."""
OVERALL = {
    "dice": "DSC",
    "bone_mm": "bone, mm",
    "soft_mm": "soft tissue, mm",
    "rigid_dsc": "rigid DSC",
    "rigid_deviation_mm": "not rigid, mm",
    "volume_percent": "%Δvol",
    "properness": "PC",
    "folds": "folds",
    "folding_percent": "folds, %",
    "sd_log_j": "SDlogJ",
    "sd_log_j_learn2reg": "SDlogJ, Jian's variant",
    "cpu_s": "CPU s",
}
"""Measures of a whole registration, and what tables call them."""


@torch.no_grad()
def measure(patient: HeldOutPatient, displacement: Tensor, cpu_s: float) -> Values:
    """The vertebrae that the MR does not cut, named as by `spine-ctmr evaluate`, and the whole.

    Rigid DSC, its RMS distance from the best rigid motion, volume and properness are means over the
    vertebrae; the volume of those alone that the border leaves whole.

    Args:
        patient: with labels and true displacement.
        displacement: (1, 3, Z, Y, X) in mm on the patient's grid.
        cpu_s: what it took.
    """
    outcome = Outcome(patient.batch, Motion(displacement), patient.spacing_mm)
    error = (displacement - outcome.needed("displacement")).norm(dim=1, keepdim=True)
    determinant = jacobian_determinant(displacement[0].permute(1, 2, 3, 0).numpy(), patient.grid)
    rows = _vertebrae(patient, outcome, determinant, error[0, 0].numpy())
    overlaps, volumes = rigid_dice_and_volume(displacement, patient.batch.labels, patient.spacing_mm)
    residuals = rigid_residuals(displacement, outcome.warped_labels, patient.spacing_mm)
    seen, bone, folds = outcome.weight, outcome.bone, folding_count(determinant)
    overall = {
        "dice": _mean([row.dice for row in rows]),
        "bone_mm": float(weighted_mean(error, seen * bone)),
        "soft_mm": float(weighted_mean(error, seen * (1 - bone))),
        "rigid_dsc": _mean(overlaps),
        "rigid_deviation_mm": _mean([float(r.square().sum(-1).mean().sqrt()) for r in residuals]),
        "volume_percent": 100 * _mean(volumes),
        "properness": float(properness(displacement, outcome.warped_labels, patient.spacing_mm)),
        "folds": folds,
        "folding_percent": 100 * folds / determinant.size,
        "sd_log_j": sd_log_jacobian(determinant),
        "sd_log_j_learn2reg": sd_log_jacobian_learn2reg(determinant),
        "cpu_s": cpu_s,
    }
    found: Values = plain({"vertebrae": [asdict(row) for row in rows], "overall": overall})
    return found


def _vertebrae(
    patient: HeldOutPatient, outcome: Outcome, determinant: NDArray[Any], error: NDArray[Any]
) -> list[VertebraEvaluation]:
    fixed = outcome.needed("fixed_labels")[0, 0].numpy()
    moved, before = outcome.warped_labels[0, 0].numpy(), patient.batch.labels[0, 0].numpy()
    whole = [n for n in cranial_to_caudal(set(np.unique(fixed).tolist()) - {0}) if _inside(fixed == n)]
    return [
        _vertebra(n, fixed == n, moved == n, before == n, determinant, error, patient.grid.spacing_mm)
        for n in whole
    ]


def _vertebra(
    number: int,
    fixed: NDArray[Any],
    moved: NDArray[Any],
    before: NDArray[Any],
    determinant: NDArray[Any],
    error: NDArray[Any],
    spacing_mm: tuple[float, float, float],
) -> VertebraEvaluation:
    distances = surface_distances(fixed, moved, spacing_mm)
    inside = determinant[moved]
    regular = (
        {
            "determinant_mean": float(inside.mean()),
            "determinant_sd": float(inside.std()),
            "folding_percent": 100.0 * folding_count(inside) / inside.size,
        }
        if inside.size
        else {}
    )
    return VertebraEvaluation(
        vertebra_name(number),
        number,
        dice=dice(fixed, moved),
        dice_before=dice(fixed, before),
        mean_surface_mm=distances.mean_mm,
        hd95_mm=distances.hd95_mm,
        hd99_mm=distances.hd99_mm,
        tre_mm=float(error[fixed].mean()),
        **regular,
    )


def _inside(mask: NDArray[Any]) -> bool:
    """Whether at most the tip of a process ends at the border."""
    cut = sum(np.count_nonzero(mask.take(end, axis)) for axis in range(3) for end in (0, -1))
    return bool(cut <= CUT_SHARE * np.count_nonzero(mask))


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")
