"""What is done to a patient before the registration, so that it is right, hard or wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ....evaluation.truth_points import PointPairs
from ....imaging.case import Case
from ....imaging.vertebra_names import ATLAS, SACRUM
from ....phantoms.phantom import Phantom
from ..phantom_kinds import with_centroid_error
from ..wrong_inputs.known import body_axis, flipped
from .failures import (
    of_another_patient,
    one_level_off,
    with_black_slice,
    with_cut_mr,
    with_fracture,
    with_half_label,
    with_screws,
    with_wrong_center,
)
from .patients import FlagPatient

ANOTHER_PATIENT, ONE_LEVEL_OFF, OWN = "another patient", "one level off", "centres 4 mm wrong"
SICK, MIRRORED, BLACK_SLICE = "sick vertebrae", "mirrored CT", "one black slice"
ONE_FAR, ROUGH, NO_CENTRES = "one centre 20 mm wrong", "centres up to 12 mm wrong", "no centres"
TURNS = (
    (ANOTHER_PATIENT, ONE_LEVEL_OFF),
    (BLACK_SLICE, ANOTHER_PATIENT),
    (ONE_LEVEL_OFF, ROUGH),
    (ANOTHER_PATIENT, MIRRORED),
    (NO_CENTRES, ONE_LEVEL_OFF),
    (ONE_FAR, ANOTHER_PATIENT),
)
"""What is done to patients in turn, beside what is done to all."""


@dataclass(frozen=True)
class Scenario:
    """One registration of a patient.

    Attributes:
        name: what was done to it.
        case: its inputs.
        troubles: what was done to single vertebrae, by VerSe number.
        bone: true places where they differ from the patient's.
    """

    name: str
    case: Case
    troubles: Mapping[int, str] = field(default_factory=dict)
    bone: Mapping[int, PointPairs] | None = None


def scenarios(patient: FlagPatient, turn: int, other: Callable[[], FlagPatient]) -> Iterator[Scenario]:
    """The registrations of a patient: right, with sick vertebrae, and two of `TURNS`.

    A case from files cannot be made sick; it gets a mirrored CT instead.

    Args:
        patient: the patient.
        turn: which of `TURNS`.
        other: another patient.
    """
    yield Scenario(OWN, with_centroid_error(patient.case, 4.0, patient.number))
    if patient.phantom is None:
        yield _mirrored(patient)
    else:
        yield _sick(patient.case, patient.phantom, patient.number)
    for name in TURNS[turn % len(TURNS)]:
        yield _made(name, patient, other)


def _made(name: str, patient: FlagPatient, other: Callable[[], FlagPatient]) -> Scenario:
    case, seed, numbers = patient.case, patient.number, list(patient.bone)
    rng = np.random.default_rng([seed, 11])
    if name == ANOTHER_PATIENT:
        return Scenario(name, of_another_patient(case, other().case), dict.fromkeys(numbers, name))
    if name == ONE_LEVEL_OFF:
        return Scenario(name, one_level_off(case, int(rng.choice([-1, 1]))), dict.fromkeys(numbers, name))
    if name == BLACK_SLICE:
        return Scenario(name, with_black_slice(with_centroid_error(case, 4.0, seed)))
    if name == MIRRORED:
        return _mirrored(patient)
    if name == ONE_FAR:
        far = int(rng.choice(numbers))
        wrong = with_wrong_center(with_centroid_error(case, 2.0, seed), far, 20.0, seed)
        return Scenario(name, wrong, {far: "20 mm"})
    if name == ROUGH:
        return Scenario(name, with_centroid_error(case, float(rng.uniform(6, 12)), seed))
    return Scenario(name, replace(case, mr_centroids=None))


def _mirrored(patient: FlagPatient) -> Scenario:
    """CT and labels with their voxels in the opposite order from left to right."""
    case = patient.case
    ct, motion = flipped(case.ct, body_axis(case.ct, 0))
    labels, _ = flipped(case.vertebrae, body_axis(case.vertebrae, 0))
    bone = {n: PointPairs(pairs.mr, motion(pairs.ct)) for n, pairs in patient.bone.items()}
    return Scenario(MIRRORED, replace(case, ct=ct, vertebrae=labels), bone=bone)


def _sick(case: Case, phantom: Phantom, seed: int) -> Scenario:
    """A fracture, screws, half a label, and the last vertebra cut by the MR."""
    numbers = [n for n in phantom.poses if n not in (ATLAS, SACRUM)]
    order = [int(n) for n in np.random.default_rng([seed, 11]).permutation(numbers)]
    case = with_centroid_error(case, 2.0, seed)
    case = with_fracture(case, phantom, order[0])
    case = with_screws(case, phantom, order[1], seed)
    case = with_half_label(case, phantom, order[2], seed)
    troubles = {order[0]: "fracture", order[1]: "screws", order[2]: "half a label"}
    lowest = max(phantom.poses)
    share = float(np.random.default_rng([seed, 12]).uniform(0.1, 0.8))
    case = with_cut_mr(replace(phantom, case=case), lowest, share)
    troubles[lowest] = f"{troubles[lowest]}, cut by the MR" if lowest in troubles else "cut by the MR"
    return Scenario(SICK, case, troubles)
