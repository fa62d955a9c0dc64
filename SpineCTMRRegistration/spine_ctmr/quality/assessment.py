"""Judge a registration by what is known without the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.grid import Grid
from ..geometry.jacobian import determinant_at, folding_count, sd_log_jacobian, sd_log_jacobian_learn2reg
from ..geometry.voxels import array_view
from ..imaging.vertebra_names import vertebra_name
from ..registration_result import RegistrationResult
from .flags import VertebraQuality, flag_vertebra
from .indicators import vertebra_indicators
from .invertibility import field_consistency, points_in
from .sides import side_ratio
from .similarity import vertebra_similarity
from .spine_flags import judged_together, not_rigid

NAN = float("nan")
BONE_SAMPLES = 6000
"""Voxels of each bone at which det J is measured."""


@dataclass(frozen=True)
class Assessment:
    """The quality of one registration.

    Attributes:
        vertebrae: one row for each, cranial to caudal.
        overall: figures by name, units in the names.
        failure: one sentence if the registration failed its own checks.
        bone_determinants: det J (n,) at bone voxels of all vertebrae.
    """

    vertebrae: list[VertebraQuality]
    overall: dict[str, float | int | str]
    failure: str | None
    bone_determinants: NDArray[Any]


def assess(result: RegistrationResult, determinant: NDArray[Any], labels_in_mr: sitk.Image) -> Assessment:
    """Rows, overall figures and verdict of a result.

    Args:
        result: what was registered.
        determinant: (z, y, x) of `mr_to_ct` on the deformation's box.
        labels_in_mr: vertebra numbers on the MR's grid.
    """
    in_bone = _bone_determinants(result, labels_in_mr)
    starts = dict.fromkeys(result.found.vertebrae, result.found.start.global_rigid)
    motions = starts, result.found.poses
    similarity = [vertebra_similarity(result.case, labels_in_mr, m) for m in motions]
    indicators = vertebra_indicators(result.case, result.found, labels_in_mr)
    rows = [
        _row(result, n, in_bone, indicators[n], *(s.get(n, NAN) for s in similarity))
        for n in result.found.vertebrae
    ]
    sides = side_ratio(result.case, result.found.poses)
    shift = result.found.shift
    way = "cranial" if shift is not None and shift.direction < 0 else "caudal"
    rows, failure = judged_together(rows, way, sides)
    if result.own_field is not None:
        rows = not_rigid(rows, result.own_field.bent_mm)
    deformation = result.deformation
    box = deformation.box
    there_and_back = field_consistency(
        deformation.mr_to_ct_field, deformation.ct_to_mr_field, box, points_in(box)
    )
    overall: dict[str, float | int | str] = {
        "start": result.found.start.found_by,
        "start_residual_mm": result.found.start.residual_mm,
        "folding_voxels": folding_count(determinant),
        "determinant_min": float(determinant.min()),
        "determinant_max": float(determinant.max()),
        "sd_log_jacobian": sd_log_jacobian(determinant),
        "sd_log_jacobian_learn2reg": sd_log_jacobian_learn2reg(determinant),
        "inverse_consistency_mm": float(there_and_back.mean()),
        "side_ratio": sides,
    }
    every = np.concatenate([np.empty(0), *in_bone.values()])
    return Assessment(rows, overall, failure, every)


def _row(
    result: RegistrationResult,
    number: int,
    in_bone: Mapping[int, NDArray[Any]],
    indicators: Mapping[str, float],
    nmi_before: float,
    nmi_after: float,
) -> VertebraQuality:
    found, start = result.found.vertebrae[number], result.found.start
    values = in_bone.get(number, np.array([np.nan]))
    return flag_vertebra(
        vertebra_name(number),
        number,
        residual_before=found.residual_before,
        residual_after=found.residual_after,
        nmi_before=nmi_before,
        nmi_after=nmi_after,
        moved_mm=found.pose.distance_mm(start.global_rigid, start.ct_centers[number]),
        rotated_deg=(found.pose @ start.global_rigid.inverse).angle_deg,
        jacobian_mean=float(values.mean()),
        jacobian_sd=float(values.std()),
        **indicators,
    )


def _bone_determinants(result: RegistrationResult, labels: sitk.Image) -> dict[int, NDArray[Any]]:
    """det J of `mr_to_ct`, as software applies it, at voxels of every bone."""
    grid, numbers = Grid.of(labels), array_view(labels)
    field, box = result.deformation.mr_to_ct_field, result.deformation.box
    found = {}
    for number, region in enumerate(ndimage.find_objects(numbers), 1):
        if region is not None:
            voxels = np.argwhere(numbers[region] == number) + [side.start for side in region]
            sample = voxels[:: max(1, len(voxels) // BONE_SAMPLES), ::-1]
            found[number] = determinant_at(field, box, grid.to_points(sample))
    return found
