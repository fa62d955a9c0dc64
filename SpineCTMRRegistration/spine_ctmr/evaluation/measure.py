"""Measure a finished registration against what is known about the truth, and its regularity without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.jacobian import (
    determinant_at,
    folding_count,
    jacobian_determinant,
    sd_log_jacobian,
    sd_log_jacobian_learn2reg,
)
from ..geometry.voxels import array_view
from ..imaging.vertebra_names import cranial_to_caudal, vertebra_name
from ..quality.discs import Disc
from ..quality.invertibility import inverse_consistency, points_in, rigid_dice
from ..quality.metrics import Statistics, statistics, tre, volume_change_percent
from ..results.names import MR_IN_CT
from ..results.reader import ResultFolder
from ..results.registered import Registered
from .landmark_pairs import LandmarkPair
from .landmark_places import check_places, likely_mistake
from .overlap import overlap_with
from .result_discs import result_discs

NAN = float("nan")
LANDMARK_REACH_MM = 12.0
"""A landmark counts for the nearest vertebra within this distance."""


@dataclass(frozen=True)
class VertebraEvaluation:
    """The measurements of one vertebra; NaN = not measured.

    Attributes:
        name: such as "L4".
        number: VerSe number.
        flag: what the registration said about it.
        dice, dice_before: overlap with the reference segmentation of the MR, and that of the rigid start.
        mean_surface_mm: average symmetric surface distance to the reference.
        hd95_mm, hd99_mm: 95th and 99th percentile Hausdorff distance to the reference.
        landmarks: landmark pairs that count for this vertebra.
        tre_mm, tre_before_mm: their mean target registration error, and that of the rigid start.
        rigid_dice: overlap with the bone moved by the nearest rigid motion (1 = rigid).
        volume_change_percent: bone volume in the MR against that in the CT.
        determinant_mean, determinant_sd: of det J in the bone (1 and 0 = rigid).
        folding_percent: share of the bone's voxels with det J <= 0.
        inverse_consistency_mm: mean distance after going to the CT and back.
        mind_before, mind_after: mean squared MIND-SSC difference of CT and MR, from the registration.
        nmi_before, nmi_after: normalised mutual information of CT and MR, from the registration.
        disc_offset_before_mm, disc_offset_mm, disc_error_mm, disc_contrast: of the disc below, see `Disc`.
    """

    name: str
    number: int
    flag: str = ""
    dice_before: float = NAN
    dice: float = NAN
    mean_surface_mm: float = NAN
    hd95_mm: float = NAN
    hd99_mm: float = NAN
    landmarks: int = 0
    tre_before_mm: float = NAN
    tre_mm: float = NAN
    rigid_dice: float = NAN
    volume_change_percent: float = NAN
    determinant_mean: float = NAN
    determinant_sd: float = NAN
    folding_percent: float = NAN
    inverse_consistency_mm: float = NAN
    mind_before: float = NAN
    mind_after: float = NAN
    nmi_before: float = NAN
    nmi_after: float = NAN
    disc_offset_before_mm: float = NAN
    disc_offset_mm: float = NAN
    disc_error_mm: float = NAN
    disc_contrast: float = NAN


METRICS = tuple(f.name for f in fields(VertebraEvaluation) if f.name not in ("name", "number", "flag"))


@dataclass(frozen=True)
class Evaluation:
    """All measurements of one registration.

    Attributes:
        vertebrae: cranial to caudal.
        overall: figures of the whole transform by name, units in the names.
        summary: the vertebrae together, by metric.
        landmark_errors: (before, after) in mm by landmark name.
        notes: what to know when reading the figures, one sentence each.
        discs: MR against registered CT, cranial to caudal; none where the result has no images.
    """

    vertebrae: list[VertebraEvaluation]
    overall: dict[str, float]
    summary: dict[str, Statistics]
    landmark_errors: dict[str, tuple[float, float]]
    notes: list[str]
    discs: list[Disc]


def evaluate_with_images(
    registration: Registered, reference: sitk.Image | None = None, landmarks: Sequence[LandmarkPair] = ()
) -> Evaluation:
    """Measure a registration and its discs; see `evaluate`."""
    try:
        mr_in_ct = registration.mr_in_ct
    except InputError:
        found = evaluate(registration.measured, reference, landmarks)
        note = f"The discs were not measured: the result has no readable {MR_IN_CT}."
        return replace(found, notes=[*found.notes, note])
    return evaluate(registration.measured, reference, landmarks, mr_in_ct)


def evaluate(
    result: ResultFolder,
    reference: sitk.Image | None = None,
    landmarks: Sequence[LandmarkPair] = (),
    mr_in_ct: sitk.Image | None = None,
) -> Evaluation:
    """Measure a registration.

    Args:
        result: what the registration wrote.
        reference: vertebra labels of the MR, drawn independently, on any grid in the MR frame.
        landmarks: the same places in CT and MR.
        mr_in_ct: the MR on the CT's grid, in which discs are looked for.

    Raises:
        InputError: a landmark lies outside its image, or the reference and the result have no vertebra in
            common or do not overlap.
    """
    ct_grid = None if mr_in_ct is None else Grid.of(mr_in_ct)
    check_places(landmarks, ct_grid, Grid.of(result.labels_in_mr))
    determinant = jacobian_determinant(result.field, result.box)
    numbers = cranial_to_caudal(result.poses)
    rows = {n: _regularity(result, n) for n in numbers}
    notes: list[str] = []
    if reference is not None:
        overlaps, notes = overlap_with(reference, result)
        rows |= {n: replace(rows[n], **vars(overlap)) for n, overlap in overlaps.items()}
    notes += likely_mistake(landmarks, result.to_ct)
    errors = _landmark_errors(result, landmarks)
    _add_landmarks(rows, result, landmarks, errors)
    discs = [] if mr_in_ct is None else result_discs(result, mr_in_ct)
    rows |= {disc.upper: _with_disc_below(rows[disc.upper], disc) for disc in discs}
    table = [rows[n] for n in numbers]
    summary = {metric: statistics([getattr(row, metric) for row in table]) for metric in METRICS}
    del summary["landmarks"]
    return Evaluation(table, _overall(result, determinant, errors), summary, errors, notes, discs)


def _overall(
    result: ResultFolder, determinant: NDArray[Any], errors: Mapping[str, tuple[float, float]]
) -> dict[str, float]:
    there_and_back = inverse_consistency(result.to_ct, result.to_mr, points_in(result.box))
    folds = folding_count(determinant)
    before, after = (np.array([e[k] for e in errors.values()]) for k in (0, 1))
    return {
        "landmarks": len(errors),
        "tre_before_mm": float(before.mean()) if before.size else NAN,
        "tre_mm": float(after.mean()) if after.size else NAN,
        "folding_voxels": folds,
        "folding_percent": 100.0 * folds / determinant.size,
        "determinant_min": float(determinant.min()),
        "determinant_max": float(determinant.max()),
        "sd_log_jacobian": sd_log_jacobian(determinant),
        "sd_log_jacobian_learn2reg": sd_log_jacobian_learn2reg(determinant),
        "inverse_consistency_mm": float(there_and_back.mean()),
        "inverse_consistency_p99_mm": float(np.percentile(there_and_back, 99)),
    }


def _regularity(result: ResultFolder, number: int) -> VertebraEvaluation:
    """The row of a vertebra with what needs no reference."""
    row = VertebraEvaluation(vertebra_name(number), number, **_from_registration(result, number))
    grid = Grid.of(result.labels_in_mr)
    mask = array_view(result.labels_in_mr) == number
    if not mask.any():
        return row
    box = _box(mask, 4)
    crop, part = mask[box], grid.crop([s.start for s in box[::-1]], mask[box].shape[::-1])
    bone = part.to_points(np.argwhere(crop)[:, ::-1])
    inside = determinant_at(result.field, result.box, bone)
    sample = bone[:: max(1, len(bone) // 300)]
    return replace(
        row,
        rigid_dice=rigid_dice(crop, part, result.to_ct, result.to_mr),
        volume_change_percent=volume_change_percent(float(inside.sum()), float(inside.size)),
        determinant_mean=float(inside.mean()),
        determinant_sd=float(inside.std()),
        folding_percent=100.0 * folding_count(inside) / inside.size,
        inverse_consistency_mm=float(inverse_consistency(result.to_ct, result.to_mr, sample).mean()),
    )


def _from_registration(result: ResultFolder, number: int) -> dict[str, Any]:
    """Flag and image similarity, which the registration measured while it had the images."""
    names = {
        "mind_before": "residual_before",
        "mind_after": "residual_after",
        "nmi_before": "nmi_before",
        "nmi_after": "nmi_after",
    }
    for row in result.quality.get("vertebrae", []):
        if row.get("number") == number:
            values = {key: row.get(name) for key, name in names.items()}
            numbers = {key: float(v) if isinstance(v, int | float) else NAN for key, v in values.items()}
            return {"flag": str(row.get("flag", "")), **numbers}
    return {}


def _landmark_errors(
    result: ResultFolder, landmarks: Sequence[LandmarkPair]
) -> dict[str, tuple[float, float]]:
    if not landmarks:
        return {}
    mr, ct = (np.array([getattr(pair, side) for pair in landmarks]) for side in ("mr", "ct"))
    before, after = tre(mr, ct, result.start.inverse), tre(mr, ct, result.to_ct)
    pairs = zip(landmarks, before, after, strict=True)
    return {pair.name: (float(a), float(b)) for pair, a, b in pairs}


def _add_landmarks(
    rows: dict[int, VertebraEvaluation],
    result: ResultFolder,
    landmarks: Sequence[LandmarkPair],
    errors: Mapping[str, tuple[float, float]],
) -> None:
    """Mean landmark errors of each vertebra."""
    grid = Grid.of(result.labels_in_mr)
    labels = array_view(result.labels_in_mr)
    bones = {n: grid.to_points(np.argwhere(labels == n)[::3, ::-1]) for n in rows} if landmarks else {}
    own: dict[int, list[tuple[float, float]]] = {}
    for pair in landmarks:
        distance = {n: float(np.linalg.norm(p - pair.mr, axis=1).min()) for n, p in bones.items() if len(p)}
        nearest = min(distance, key=distance.__getitem__, default=None)
        if nearest is not None and distance[nearest] <= LANDMARK_REACH_MM:
            own.setdefault(nearest, []).append(errors[pair.name])
    for n, pairs in own.items():
        before, after = np.mean(pairs, axis=0)
        rows[n] = replace(rows[n], landmarks=len(pairs), tre_before_mm=float(before), tre_mm=float(after))


def _with_disc_below(row: VertebraEvaluation, disc: Disc) -> VertebraEvaluation:
    return replace(
        row,
        disc_offset_before_mm=disc.offset_before_mm,
        disc_offset_mm=disc.offset_mm,
        disc_error_mm=disc.error_mm,
        disc_contrast=disc.contrast,
    )


def _box(mask: NDArray[Any], margin: int) -> tuple[slice, ...]:
    """The slices (z, y, x) around a mask."""
    where = np.argwhere(mask)
    low, high = np.maximum(where.min(0) - margin, 0), np.minimum(where.max(0) + margin + 1, mask.shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
