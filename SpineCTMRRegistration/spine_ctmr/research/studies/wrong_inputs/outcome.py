"""What a registration of wrong inputs comes to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ....deformation.warping import deformation_determinant, vertebrae_in_mr
from ....errors import InputError
from ....evaluation.truth import pose_errors
from ....imaging.image_checks import values_at
from ....imaging.label_voxels import LabelVoxels, label_voxels
from ....imaging.read_case import read_case
from ....imaging.vertebra_names import vertebra_name
from ....options import RegistrationOptions
from ....quality.assessment import assess
from ....registration import register
from ..kernel import Values
from .known import Known
from .wrong_input import WrongInput

TOLERATED_MM = 2.0
OWN_SHARE = 0.8
"""Share of a label that must lie on the bone that it names, or of the bone that must lie in the label."""

REFUSED, FAILED, DOUBTED, HARMLESS, ACCEPTED = "refused", "failed", "doubted", "harmless", "accepted"
"""Outcomes: not registered; marked as failed; nothing wrong is good; nothing is wrong; something wrong is
good."""


def measure(pair: tuple[Known, Known], wrong: WrongInput, options: RegistrationOptions) -> Values:
    """Register a patient's inputs made wrong, through files as a user would, and compare with the truth."""
    given = wrong.make(*pair)
    try:
        with tempfile.TemporaryDirectory(prefix="spine-ctmr-") as folder:
            ct, mr, labels, landmarks = _written(given, Path(folder))
            case = read_case(ct, mr, labels, landmarks)
    except InputError as error:
        return {"refused": _without_folder(str(error)), "vertebrae": {}}
    try:
        result = register(case, options)
    except InputError as error:
        return {"refused": str(error), "vertebrae": {}}
    labels = vertebrae_in_mr(case.vertebrae, case.mr, result.deformation.poses)
    assessment = assess(result, deformation_determinant(result.deformation), labels)
    errors = pose_errors(given.bone, result.deformation.poses)
    shares = own_shares(case.vertebrae, given.bones)
    return {
        "refused": None,
        "failed": assessment.failure,
        "warnings": list(result.notes),
        "vertebrae": {
            row.name: {
                "flag": row.flag,
                "reason": row.reason,
                "error_mm": errors.get(row.number),
                "own_share": shares.get(row.number, 0.0),
            }
            for row in assessment.vertebrae
        },
    }


def outcome(values: Values) -> str:
    """One word for what was measured."""
    if values["refused"] is not None:
        return REFUSED
    vertebrae: Mapping[str, Mapping[str, Any]] = values["vertebrae"]
    wrong = [name for name, found in vertebrae.items() if is_wrong(found)]
    if any(vertebrae[name]["flag"] == "good" for name in wrong):
        return ACCEPTED
    if not wrong:
        return HARMLESS
    return FAILED if values["failed"] else DOUBTED


def is_wrong(found: Mapping[str, Any]) -> bool:
    """Whether a vertebra is not where its pose puts it, or its label is not its own."""
    error = found["error_mm"]
    return error is None or error > TOLERATED_MM or found["own_share"] < OWN_SHARE


def own_shares(labels: sitk.Image, bones: sitk.Image | None) -> dict[int, float]:
    """How far each label and the bone that it names are the same, by VerSe number.

    The share of the label on the bone, or of the bone in the label if that is more: a label may be thicker or
    thinner than its bone.
    """
    if bones is None:
        return {}
    return {
        n: max(_share_on(bones, n, voxels), _share_on(labels, n, bone))
        for n, voxels in label_voxels(labels).items()
        if (bone := label_voxels(bones).get(n)) is not None
    }


def _share_on(image: sitk.Image, number: int, voxels: LabelVoxels) -> float:
    return float(np.mean(values_at(image, voxels.points()) == number))


def _written(given: Known, folder: Path) -> Sequence[Path]:
    """The inputs as files: CT, MR, labels and landmarks."""
    images = {"ct": given.case.ct, "mr": given.case.mr, "ct_labels": given.case.vertebrae}
    paths = [folder / f"{name}.nrrd" for name in images]
    for path, image in zip(paths, images.values(), strict=True):
        sitk.WriteImage(image, str(path))
    landmarks = folder / "mr_landmarks.json"
    named = {vertebra_name(n): center.tolist() for n, center in given.landmarks.items()}
    landmarks.write_text(json.dumps(named), encoding="utf-8")
    return [*paths, landmarks]


def _without_folder(sentence: str) -> str:
    """A sentence that names files without the folder that they were in."""
    return " ".join(word.rpartition("/")[2] if "spine-ctmr-" in word else word for word in sentence.split())
