"""Phantom registrations, many of them made to fail: what is known without the truth, and the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from ...evaluation.truth import pose_errors
from ...evaluation.truth_points import phantom_bone
from ...imaging.case import Case
from ...imaging.vertebra_names import vertebra_name
from ...options import RegistrationOptions
from ...phantoms.phantom import LUMBAR, Phantom, PhantomOptions, make_phantom
from ...progress import silent
from ...registration import find_poses
from ...registration_result import FoundPoses
from .failures import (
    of_another_patient,
    one_level_off,
    with_cut_mr,
    with_fracture,
    with_half_label,
    with_screws,
    with_wrong_center,
)
from .phantom_kinds import KINDS, with_centroid_error

LEVELS = (
    (20, 21, 22, 23, 24),
    (21, 22, 23, 24),
    (20, 21, 22, 23, 24),
    (17, 18, 19, 20, 21),
    (22, 23, 24),
    (20, 21, 22, 23, 24),
)
FIRST_SEED = 700
"""Seeds that neither training nor tests nor the accuracy tables use."""
CROSSED_SEED, CROSSED_KINDS = 54_000, (1, 2, 3, 4)
"""Of the phantoms each of whose CTs meets every MR, and where in `KINDS` their kinds are."""


@dataclass(frozen=True)
class Observation:
    """One vertebra of one registration.

    Attributes:
        patient: number of the phantom.
        kind: of its MR.
        scenario: what was done to it.
        vertebra: such as "L4".
        trouble: what was done to this very vertebra, if anything.
        tre_mm: mean error of the found pose over the bone; infinite where there is no right answer.
        match_ratio, stretch_mm, level_ratio, network_mm, neighbour_mm, visible_share: indicators known
            without the truth.
    """

    patient: int
    kind: str
    scenario: str
    vertebra: str
    trouble: str
    tre_mm: float
    match_ratio: float
    stretch_mm: float
    level_ratio: float
    network_mm: float
    neighbour_mm: float
    visible_share: float


ANOTHER_PATIENT, ONE_LEVEL_OFF, OWN = "another patient", "one level off", "right"
COLUMNS = tuple(field.name for field in fields(Observation))


def phantom_options(patient: int) -> tuple[str, PhantomOptions]:
    """Kind of MR and options of phantom number `patient`: every kind in turn, at several levels."""
    kind = list(KINDS)[patient % len(KINDS)]
    options = KINDS[kind]
    inplane, thickness = options.mr_spacing_mm
    return kind, replace(
        options,
        levels=LEVELS[(patient % len(KINDS) + patient // len(KINDS)) % len(LEVELS)],
        mr_spacing_mm=(max(inplane, 1.2), max(thickness, 1.2)),
        ct_spacing_mm=(1.25, 1.5),
        margin_mm=14.0,
        truth_spacing_mm=1.5,
    )


def observe_crossed() -> Iterator[list[Observation]]:
    """Register every CT of a few phantoms of the same levels with every MR, its own and the others'."""
    made = []
    for k, kind in enumerate(CROSSED_KINDS):
        name, options = phantom_options(kind)
        made.append((name, make_phantom(CROSSED_SEED + k, replace(options, levels=LUMBAR))))
    for k, (kind_name, phantom) in enumerate(made):
        for j, (_, other) in enumerate(made):
            number = CROSSED_SEED + 10 * k + j
            own = with_centroid_error(phantom.case, 4.0, number)
            case = own if j == k else of_another_patient(phantom.case, other.case)
            yield observe(phantom, case, number, kind_name, OWN if j == k else ANOTHER_PATIENT, {})


def scenarios(phantom: Phantom, other: Phantom, patient: int) -> Iterator[tuple[str, Case, dict[int, str]]]:
    """Name, inputs and troubled vertebrae of the registrations of a phantom.

    The first holds several sick vertebrae, those of every other patient are one level off, one has another
    patient's MR, the last has bad centres; which of each, the patient's number decides.

    Args:
        phantom: the patient.
        other: another patient.
        patient: number of the phantom.
    """
    rng = np.random.default_rng([patient, 11])
    case, numbers, choice = phantom.case, list(phantom.poses), patient // len(KINDS) + patient
    off = with_centroid_error(case, 2.0, patient)
    order = [int(n) for n in rng.permutation(numbers)]
    yield "sick vertebrae", *_sick(phantom, off, order, patient)
    if choice % 2:
        wrong = one_level_off(case, int(rng.choice([-1, 1])))
        yield ONE_LEVEL_OFF, wrong, dict.fromkeys(numbers, ONE_LEVEL_OFF)
    wrong = of_another_patient(case, other.case)
    yield ANOTHER_PATIENT, wrong, dict.fromkeys(numbers, ANOTHER_PATIENT)
    if choice % 3 == 0:
        yield "one centre 20 mm wrong", with_wrong_center(off, order[0], 20.0, patient), {order[0]: "20 mm"}
    elif choice % 3 == 1:
        yield "no centres", replace(case, mr_centroids=None), {}
    else:
        rough = with_centroid_error(case, float(rng.uniform(0, 12)), patient)
        yield "centres up to 12 mm wrong", rough, {}


def _sick(phantom: Phantom, case: Case, order: list[int], seed: int) -> tuple[Case, dict[int, str]]:
    """A fracture, screws, half a label, and the last vertebra cut by the MR."""
    case = with_fracture(case, phantom, order[0])
    case = with_screws(case, phantom, order[1], seed)
    case = with_half_label(case, phantom, order[2], seed)
    troubles = {order[0]: "fracture", order[1]: "screws", order[2]: "half a label"}
    lowest = max(order)
    share = float(np.random.default_rng([seed, 12]).uniform(0.1, 0.8))
    case = with_cut_mr(replace(phantom, case=case), lowest, share)
    troubles[lowest] = f"{troubles[lowest]}, cut by the MR" if lowest in troubles else "cut by the MR"
    return case, troubles


def observe(
    phantom: Phantom, case: Case, patient: int, kind: str, scenario: str, troubles: dict[int, str]
) -> list[Observation]:
    """Register a case as far as the flags' indicators need, and measure the poses against the truth."""
    found = find_poses(case, RegistrationOptions(device="cpu"), silent, [])
    errors = pose_errors(phantom_bone(phantom), found.poses)
    hopeless = scenario == ANOTHER_PATIENT
    return [
        Observation(
            patient=patient,
            kind=kind,
            scenario=scenario,
            vertebra=vertebra_name(n),
            trouble=troubles.get(n, ""),
            tre_mm=float("inf") if hopeless else errors[n],
            match_ratio=v.match_ratio,
            stretch_mm=v.stretch_mm,
            level_ratio=float("nan") if found.shift is None else found.shift.residual_ratio,
            network_mm=_disagreement(found, n),
            neighbour_mm=v.neighbour_disagreement_mm,
            visible_share=v.visible_share,
        )
        for n, v in found.vertebrae.items()
    ]


def _disagreement(found: FoundPoses, number: int) -> float:
    """Distance in mm between a vertebra's centre as the network and as the refinement move it."""
    if number not in found.network_poses:
        return float("nan")
    refined, center = found.vertebrae[number].pose, found.start.ct_centers[number]
    return found.network_poses[number].distance_mm(refined, center)
