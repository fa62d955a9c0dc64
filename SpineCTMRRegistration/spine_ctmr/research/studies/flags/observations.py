"""Registrations, many of them made to fail: what is known without the truth, and the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Any

from ....deformation.warping import vertebrae_in_mr
from ....evaluation.truth import pose_errors
from ....evaluation.truth_points import PointPairs
from ....geometry.pose import Pose
from ....imaging.vertebra_names import vertebra_name
from ....options import RegistrationOptions
from ....progress import silent
from ....quality.flags import VertebraQuality, unjudged
from ....quality.indicators import vertebra_indicators
from ....quality.sides import side_ratio
from ....registration import find_poses
from .patients import FlagPatient
from .scenarios import ANOTHER_PATIENT, Scenario

FAILED_MM, ACCURATE_MM = 2.0, 0.5
INDICATORS = (
    "match_ratio",
    "stretch_mm",
    "level_ratio",
    "spread_mm",
    "disc_offset_mm",
    "network_disagreement_mm",
    "neighbour_disagreement_mm",
    "uncertainty_mm",
    "uncertainty_deg",
    "visible_share",
    "label_offset_mm",
    "label_contrast",
    "overlap_share",
)
"""What the table keeps of `VertebraQuality`."""


@dataclass(frozen=True)
class Observation:
    """One vertebra of one registration.

    Attributes:
        patient: number of the patient.
        region: part of the spine, or real anatomy.
        kind: of the MR.
        scenario: what was done to the patient.
        vertebra: such as "L4".
        trouble: what was done to this very vertebra, if anything.
        tre_mm: mean error of the found pose over the bone; infinite where there is no right answer.
        turn_deg: error of its rotation; likewise.
        side_ratio: what the tissue around all bones says of left and right (`quality.sides`).
        row: with the `INDICATORS`, not judged.
    """

    patient: int
    region: str
    kind: str
    scenario: str
    vertebra: str
    trouble: str
    tre_mm: float
    turn_deg: float
    side_ratio: float
    row: VertebraQuality

    def as_values(self) -> dict[str, Any]:
        """For a line of a table: the attributes, and the indicators by name."""
        values = {name: getattr(self, name) for name in _OWN}
        return values | {name: getattr(self.row, name) for name in INDICATORS}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Observation:
        """From such a line.

        Raises:
            KeyError, ValueError: it is none.
        """
        own = {name: kind(values[name]) for name, kind in _OWN.items()}
        indicators = {name: float(values[name]) for name in INDICATORS}
        return cls(**own, row=unjudged(own["vertebra"], 0, **indicators))


_OWN: dict[str, type] = {
    f.name: {"int": int, "float": float}.get(str(f.type), str) for f in fields(Observation) if f.name != "row"
}
COLUMNS = (*_OWN, *INDICATORS)


@dataclass(frozen=True)
class ObservedSpine:
    """The vertebrae of one registration."""

    members: tuple[Observation, ...]

    @property
    def scenario(self) -> str:
        """What was done to the patient."""
        return self.members[0].scenario

    @property
    def is_accurate(self) -> bool:
        """Whether most of its vertebrae are within 2 mm."""
        return 2 * sum(o.tre_mm < FAILED_MM for o in self.members) > len(self.members)


def spines_of(observations: Sequence[Observation]) -> list[ObservedSpine]:
    """The observations, registration by registration."""
    groups = groupby(observations, key=lambda o: (o.patient, o.scenario))
    return [ObservedSpine(tuple(members)) for _, members in groups]


def observe(patient: FlagPatient, scenario: Scenario) -> list[Observation]:
    """Register a case as far as the flags' indicators need, and measure the poses against the truth."""
    case = scenario.case
    found = find_poses(case, RegistrationOptions(device="cpu"), silent, [])
    indicators = vertebra_indicators(case, found, vertebrae_in_mr(case.vertebrae, case.mr, found.poses))
    sides = side_ratio(case, found.poses)
    hopeless = scenario.name == ANOTHER_PATIENT
    bone = scenario.bone or patient.bone
    errors, infinite = pose_errors(bone, found.poses), float("inf")
    return [
        Observation(
            patient=patient.number,
            region=patient.region,
            kind=patient.kind,
            scenario=scenario.name,
            vertebra=vertebra_name(n),
            trouble=scenario.troubles.get(n, ""),
            tre_mm=infinite if hopeless else errors[n],
            turn_deg=infinite if hopeless else _turn_deg(bone[n], found.poses[n]),
            side_ratio=sides,
            row=unjudged(vertebra_name(n), n, **_kept(indicators[n])),
        )
        for n in found.vertebrae
    ]


def _turn_deg(bone: PointPairs, pose: Pose) -> float:
    return (Pose.fit(bone.ct, bone.mr).inverse @ pose).angle_deg


def _kept(indicators: Mapping[str, float]) -> dict[str, float]:
    return {name: indicators[name] for name in INDICATORS}
