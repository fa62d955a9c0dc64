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
from ..imaging.label_offsets import LabelFit, label_fits
from ..imaging.vertebra_names import vertebra_name
from ..registration_result import RegistrationResult
from ..vertebrae.level_check import LevelShift
from .flags import (
    VertebraQuality,
    at_wrong_level,
    flag_vertebra,
    in_company,
    not_rigid,
    of_exchanged_sides,
    of_other_bones,
    other_bones,
)
from .invertibility import field_consistency, points_in
from .sides import MIRRORED, side_ratio
from .similarity import vertebra_similarity

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
    labels = label_fits(result.case.vertebrae, result.case.ct)
    rows = [
        _row(result, n, in_bone, labels[n], *(s.get(n, NAN) for s in similarity))
        for n in result.found.vertebrae
    ]
    sides = side_ratio(result.case, result.found.poses)
    rows, failure = _judged_together(rows, result.found.shift, sides)
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


def _judged_together(
    rows: list[VertebraQuality], shift: LevelShift | None, sides: float
) -> tuple[list[VertebraQuality], str | None]:
    """The rows in each other's light, and what says that the registration failed as a whole."""
    if shift is not None and shift.is_better:
        way = "cranial" if shift.direction < 0 else "caudal"
        return at_wrong_level(rows, way), (
            "All vertebrae seem to be named one level wrong: the images agree better with every CT vertebra "
            f"one level more {way} in the MR; check the names of the CT labels and of the MR landmarks."
        )
    if (other := other_bones(rows)) is not None:
        return of_other_bones(rows), (
            f"CT and MR do not seem to show the same bones: {other}; check that both are of the same patient "
            "and that the MR landmarks are at the right levels."
        )
    if sides < MIRRORED:
        return of_exchanged_sides(rows), (
            "Left and right of the CT or of the MR seem to be exchanged: the tissue around the bones agrees "
            "better with the mirrored CT; check how the images were exported and converted."
        )
    rows = in_company(rows)
    refused = [row.name for row in rows if row.flag == "do not use"]
    if 2 * len(refused) > len(rows):
        return rows, (
            f"The registration failed its own checks for {', '.join(refused)}; look at the report, and give "
            "MR landmarks of the right levels."
        )
    return rows, None


def _row(
    result: RegistrationResult,
    number: int,
    in_bone: Mapping[int, NDArray[Any]],
    label: LabelFit,
    nmi_before: float,
    nmi_after: float,
) -> VertebraQuality:
    found, start = result.found.vertebrae[number], result.found.start
    center, network = start.ct_centers[number], result.found.network_poses.get(number)
    values = in_bone.get(number, np.array([np.nan]))
    return flag_vertebra(
        vertebra_name(number),
        number,
        residual_before=found.residual_before,
        residual_after=found.residual_after,
        match_ratio=found.match_ratio,
        stretch_mm=found.stretch_mm,
        level_ratio=NAN if result.found.shift is None else result.found.shift.residual_ratio,
        nmi_before=nmi_before,
        nmi_after=nmi_after,
        spread_mm=found.spread_mm,
        network_disagreement_mm=NAN if network is None else network.distance_mm(found.pose, center),
        neighbour_disagreement_mm=found.neighbour_disagreement_mm,
        uncertainty_mm=found.uncertainty_mm,
        uncertainty_deg=found.uncertainty_deg,
        visible_share=found.visible_share,
        label_offset_mm=label.distance_mm,
        label_contrast=label.follows,
        overlap_share=result.deformation.overlap.get(number, 0.0),
        moved_mm=found.pose.distance_mm(start.global_rigid, center),
        rotated_deg=(found.pose @ start.global_rigid.inverse).angle_deg,
        jacobian_mean=float(values.mean()),
        jacobian_sd=float(values.std()),
    )


def _bone_determinants(result: RegistrationResult, labels: sitk.Image) -> dict[int, NDArray[Any]]:
    """det J of `mr_to_ct`, as software applies it, at voxels of every bone."""
    grid, numbers = Grid.of(labels), sitk.GetArrayViewFromImage(labels)
    field, box = result.deformation.mr_to_ct_field, result.deformation.box
    found = {}
    for number, region in enumerate(ndimage.find_objects(numbers), 1):
        if region is not None:
            voxels = np.argwhere(numbers[region] == number) + [side.start for side in region]
            sample = voxels[:: max(1, len(voxels) // BONE_SAMPLES), ::-1]
            found[number] = determinant_at(field, box, grid.to_points(sample))
    return found
