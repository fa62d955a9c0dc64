"""What the papers measure of a registration, and the errors that only synthetic patients tell."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....evaluation.measure import VertebraEvaluation
from ....geometry.jacobian import folding_count, jacobian_determinant
from ....geometry.pose import Pose
from ....imaging.vertebra_names import cranial_to_caudal, vertebra_name
from ....network.motion import Motion
from ....quality.metrics import dice
from ....quality.surface_distance import surface_distances
from ....quality.tables import plain
from ....results.names import EVALUATION
from ...losses.displacement import weighted_mean
from ...training.outcome import Outcome
from .patients import SPACING_MM, HeldOutPatient

CUT_SHARE = 0.01
"""Most voxels of a vertebra on the border, as a share of all, for it to count."""
OVERALL = ("dice", "bone_mm", "soft_mm", "rigid_deviation_mm", "folds", "folding_percent", "cpu_s")
"""Keys of a whole registration."""


@torch.no_grad()
def measure(patient: HeldOutPatient, displacement: Tensor, cpu_s: float) -> dict[str, Any]:
    """The vertebrae that the MR does not cut, named as by `spine-ctmr evaluate`, and the whole.

    Args:
        patient: with labels and true displacement.
        displacement: (1, 3, Z, Y, X) in mm on the patient's grid.
        cpu_s: what it took.
    """
    outcome = Outcome(patient.batch, Motion(displacement), SPACING_MM)
    error = (displacement - outcome.needed("displacement")).norm(dim=1, keepdim=True)
    field = displacement[0].permute(1, 2, 3, 0).numpy()
    determinant = jacobian_determinant(field, patient.grid)
    fixed = outcome.needed("fixed_labels")[0, 0].numpy()
    moved = outcome.warped_labels[0, 0].numpy()
    before = patient.batch.labels[0, 0].numpy()
    whole = [n for n in cranial_to_caudal(set(np.unique(fixed).tolist()) - {0}) if _inside(fixed == n)]
    rows = [
        _vertebra(n, fixed == n, moved == n, before == n, determinant, error[0, 0].numpy()) for n in whole
    ]
    deviations = [_rigid_deviation(field, moved == n) for n in whole if np.any(moved == n)]
    seen, bone = outcome.weight, outcome.bone
    folds = folding_count(determinant)
    overall = {
        "dice": float(np.mean([row.dice for row in rows])) if rows else np.nan,
        "bone_mm": float(weighted_mean(error, seen * bone)),
        "soft_mm": float(weighted_mean(error, seen * (1 - bone))),
        "rigid_deviation_mm": float(np.mean(deviations)) if deviations else np.nan,
        "folds": folds,
        "folding_percent": 100 * folds / determinant.size,
        "cpu_s": cpu_s,
    }
    return {"vertebrae": [asdict(row) for row in rows], "overall": overall}


def write_measures(folder: Path, measures: dict[str, Any]) -> None:
    """Write the measures of one patient where `quality.cohort.read_cohort` finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{EVALUATION}.partial"
    partial.write_text(json.dumps(plain(measures), allow_nan=False), encoding="utf-8")
    partial.replace(folder / f"{EVALUATION}.json")


def read_overall(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Values over the patients of a method, in the order of their numbers, by key."""
    paths = sorted(folder.glob(f"*/{EVALUATION}.json"))
    found = [json.loads(path.read_text(encoding="utf-8"))["overall"] for path in paths]
    return {key: np.array([np.nan if row[key] is None else row[key] for row in found]) for key in OVERALL}


def _vertebra(
    number: int,
    fixed: NDArray[Any],
    moved: NDArray[Any],
    before: NDArray[Any],
    determinant: NDArray[Any],
    error: NDArray[Any],
) -> VertebraEvaluation:
    distances = surface_distances(fixed, moved, (SPACING_MM,) * 3)
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


def _rigid_deviation(field: NDArray[Any], mask: NDArray[Any]) -> float:
    """RMS distance in mm of a displacement (z, y, x, 3) from its best rigid fit in a mask."""
    points = np.argwhere(mask)[:, ::-1] * SPACING_MM
    if len(points) < 4:
        return float("nan")
    target = points + field[mask]
    apart = target - Pose.fit(points, target).apply(points)
    return float(np.sqrt(np.square(apart).sum(1).mean()))
