"""Phantom registrations, many of them made to fail: what is known without the truth, and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache

import numpy as np

from ....evaluation.truth import pose_errors
from ....evaluation.truth_points import phantom_bone
from ....imaging.case import Case
from ....imaging.vertebra_names import vertebra_name
from ....options import RegistrationOptions
from ....phantoms.phantom import LUMBAR, Phantom, make_phantom
from ....progress import silent
from ....registration import find_poses
from ....registration_result import FoundPoses
from ..phantom_kinds import KINDS, phantom_options, with_centroid_error
from .failures import (
    of_another_patient,
    one_level_off,
    with_cut_mr,
    with_fracture,
    with_half_label,
    with_screws,
    with_wrong_center,
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


COLUMNS = tuple(field.name for field in fields(Observation))
ANOTHER_PATIENT, ONE_LEVEL_OFF, OWN = "another patient", "one level off", "right"


@dataclass(frozen=True)
class Scenario:
    """One registration of a phantom.

    Attributes:
        name: what was done to it.
        case: its inputs.
        troubles: what was done to single vertebrae, by VerSe number.
    """

    name: str
    case: Case
    troubles: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failing:
    """A phantom and how its registrations are made to fail.

    Attributes:
        number: of the phantom, in the table.
        kind: of its MR.
        phantom: the patient with its truth.
        scenarios: what is registered.
    """

    number: int
    kind: str
    phantom: Phantom
    scenarios: tuple[Scenario, ...]

    def observe(self) -> list[Observation]:
        """Register every scenario; all vertebrae of all registrations."""
        return [row for scenario in self.scenarios for row in _observe(self, scenario)]


def numbered(patient: int) -> Failing:
    """Phantom number `patient`; the MR of another one is that of the phantom before."""
    phantom, other = (_phantom(number) for number in (patient, patient - 1 if patient else 1))
    return Failing(patient, phantom_options(patient)[0], phantom, tuple(_scenarios(phantom, other, patient)))


def crossed(ct: int, mr: int) -> Failing:
    """One of a few phantoms of the same levels: its CT is registered with its own or another one's MR."""
    phantom, number = _crossed_phantom(ct), CROSSED_SEED + 10 * ct + mr
    if ct == mr:
        scenario = Scenario(OWN, with_centroid_error(phantom.case, 4.0, number))
    else:
        scenario = Scenario(ANOTHER_PATIENT, of_another_patient(phantom.case, _crossed_phantom(mr).case))
    return Failing(number, phantom_options(CROSSED_KINDS[ct])[0], phantom, (scenario,))


def is_crossed(observation: Observation) -> bool:
    """Whether its phantom is one of those whose CTs meet every MR."""
    return observation.patient >= CROSSED_SEED


def is_held_out(observation: Observation) -> bool:
    """Whether it tests the rule: every other round through the kinds of MR does, the rest chooses."""
    return not is_crossed(observation) and observation.patient // len(KINDS) % 2 == 1


@lru_cache(maxsize=2)
def _phantom(patient: int) -> Phantom:
    seed = FIRST_SEED + 20 * (patient % len(KINDS)) + patient // len(KINDS)
    return make_phantom(seed, phantom_options(patient)[1])


@lru_cache(maxsize=len(CROSSED_KINDS))
def _crossed_phantom(number: int) -> Phantom:
    options = phantom_options(CROSSED_KINDS[number])[1]
    return make_phantom(CROSSED_SEED + number, replace(options, levels=LUMBAR))


def _scenarios(phantom: Phantom, other: Phantom, patient: int) -> Iterator[Scenario]:
    """The registrations of a phantom.

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
    yield Scenario("sick vertebrae", *_sick(phantom, off, order, patient))
    if choice % 2:
        wrong = one_level_off(case, int(rng.choice([-1, 1])))
        yield Scenario(ONE_LEVEL_OFF, wrong, dict.fromkeys(numbers, ONE_LEVEL_OFF))
    wrong = of_another_patient(case, other.case)
    yield Scenario(ANOTHER_PATIENT, wrong, dict.fromkeys(numbers, ANOTHER_PATIENT))
    if choice % 3 == 0:
        wrong = with_wrong_center(off, order[0], 20.0, patient)
        yield Scenario("one centre 20 mm wrong", wrong, {order[0]: "20 mm"})
    elif choice % 3 == 1:
        yield Scenario("no centres", replace(case, mr_centroids=None))
    else:
        rough = with_centroid_error(case, float(rng.uniform(0, 12)), patient)
        yield Scenario("centres up to 12 mm wrong", rough)


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


def _observe(failing: Failing, scenario: Scenario) -> list[Observation]:
    """Register a case as far as the flags' indicators need, and measure the poses against the truth."""
    found = find_poses(scenario.case, RegistrationOptions(device="cpu"), silent, [])
    errors = pose_errors(phantom_bone(failing.phantom), found.poses)
    hopeless = scenario.name == ANOTHER_PATIENT
    return [
        Observation(
            patient=failing.number,
            kind=failing.kind,
            scenario=scenario.name,
            vertebra=vertebra_name(n),
            trouble=scenario.troubles.get(n, ""),
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
