"""Judge a registration by what is known without the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..alignment import rigid
from ..imaging.vertebra_names import vertebra_name
from .flags import VertebraQuality, flag_vertebra
from .jacobian import folding_count, sd_log_jacobian, sd_log_jacobian_learn2reg

if TYPE_CHECKING:
    from ..registration import RegistrationResult
    from ..vertebrae.level_check import LevelShift

NO_POSE = float("nan")


@dataclass(frozen=True)
class Assessment:
    """The quality of one registration.

    Attributes:
        vertebrae: one row for each, cranial to caudal.
        overall: figures by name, units in the names.
        failure: one sentence if the registration failed its own checks.
    """

    vertebrae: list[VertebraQuality]
    overall: dict[str, float | int | str]
    failure: str | None


def assess(
    result: RegistrationResult, determinant: NDArray[Any], jacobian: sitk.Image, labels_in_mr: sitk.Image
) -> Assessment:
    """Rows, overall figures and verdict of a result.

    Args:
        result: what was registered.
        determinant: (z, y, x) of `mr_to_ct` on the deformation's box.
        jacobian: the same on the MR's grid.
        labels_in_mr: vertebra numbers on the MR's grid.
    """
    in_bone = _bone_determinants(jacobian, labels_in_mr)
    rows = [_row(result, number, in_bone) for number in result.vertebrae]
    overall: dict[str, float | int | str] = {
        "start": result.start.found_by,
        "start_residual_mm": result.start.residual_mm,
        "folding_voxels": folding_count(determinant),
        "determinant_min": float(determinant.min()),
        "determinant_max": float(determinant.max()),
        "sd_log_jacobian": sd_log_jacobian(determinant),
        "sd_log_jacobian_learn2reg": sd_log_jacobian_learn2reg(determinant),
        "inverse_consistency_mm": _inverse_consistency(result),
    }
    return Assessment(rows, overall, _failure(rows, result.shift))


def _row(result: RegistrationResult, number: int, in_bone: Mapping[int, NDArray[Any]]) -> VertebraQuality:
    found = result.vertebrae[number]
    center = result.start.ct_centers[number]
    at_start = rigid.apply(result.start.global_rigid, center)
    network = result.network_poses.get(number)
    values = in_bone.get(number, np.array([np.nan]))
    return flag_vertebra(
        vertebra_name(number),
        number,
        residual_before=found.residual_before,
        residual_after=found.residual_after,
        spread_mm=found.spread_mm,
        network_disagreement_mm=NO_POSE if network is None else _distance(network, found.pose, center),
        neighbour_disagreement_mm=found.neighbour_disagreement_mm,
        visible_share=found.visible_share,
        overlap_share=result.deformation.overlap.get(number, 0.0),
        moved_mm=float(np.linalg.norm(rigid.apply(found.pose, center) - at_start)),
        rotated_deg=rigid.angle_deg(found.pose @ rigid.inverse(result.start.global_rigid)),
        jacobian_mean=float(values.mean()),
        jacobian_sd=float(values.std()),
    )


def _distance(a: rigid.Rigid, b: rigid.Rigid, point: NDArray[Any]) -> float:
    return float(np.linalg.norm(rigid.apply(a, point) - rigid.apply(b, point)))


def _bone_determinants(jacobian: sitk.Image, labels: sitk.Image) -> dict[int, NDArray[Any]]:
    values, numbers = sitk.GetArrayViewFromImage(jacobian), sitk.GetArrayViewFromImage(labels)
    where = numbers > 0
    inside, which = values[where], numbers[where]
    return {int(n): inside[which == n] for n in np.unique(which)}


def _inverse_consistency(result: RegistrationResult, count: int = 2000) -> float:
    """Mean distance in mm of points of the box from themselves after going to the CT and back."""
    box = result.deformation.box
    rng = np.random.default_rng(0)
    points = box.to_points(rng.uniform(0, 1, (count, 3)) * (np.array(box.size) - 1))
    to_ct, to_mr = result.deformation.mr_to_ct(), result.deformation.ct_to_mr()
    back = [to_mr.TransformPoint(to_ct.TransformPoint([float(v) for v in p])) for p in points]
    return float(np.linalg.norm(np.array(back) - points, axis=1).mean())


def _failure(rows: list[VertebraQuality], shift: LevelShift | None) -> str | None:
    if shift is not None:
        side = "cranial" if shift.direction < 0 else "caudal"
        return (
            "All vertebrae seem to be named one level wrong: the images agree better with every CT vertebra "
            f"one level more {side} in the MR; check the names of the CT labels and of the MR landmarks."
        )
    refused = [row.name for row in rows if row.flag == "do not use"]
    if 2 * len(refused) > len(rows):
        return (
            f"The registration failed its own checks for {', '.join(refused)}; look at the report, and give "
            "MR landmarks of the right levels."
        )
    return None
