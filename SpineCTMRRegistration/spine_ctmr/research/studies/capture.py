"""What the network adds: how many vertebrae are found with and without it, from bad starts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...evaluation.markdown import header, line
from ...evaluation.truth import pose_errors
from ...evaluation.truth_points import phantom_bone
from ...geometry.pose import Pose
from ...imaging.case import Case
from ...network_looks import MOST_LOOKS
from ...options import RegistrationOptions
from ...phantoms.mechanics.posture import PostureOptions
from ...phantoms.phantom import LUMBAR, Phantom, make_phantom
from ...progress import Progress, silent
from ...registration import find_poses
from .kernel import Method, Patient, Row, Values, run_study, write_page
from .phantom_kinds import BENT, phantom_options, with_centroid_error

NAME = "capture"
FIRST_SEED = 57_000
"""Seeds that neither training nor tests nor other measurements use."""
FOUND_MM = 1.0
"""A vertebra nearer to the truth is found."""
SPINES = {
    "five lumbar": (LUMBAR, PostureOptions()),
    "seven of the chest": (tuple(range(10, 17)), PostureOptions()),
    "seven of the neck": (tuple(range(2, 9)), PostureOptions()),
    "eight, bent": ((17, 18, 19, *LUMBAR), BENT),
}
"""VerSe numbers of the vertebrae, and how the posture of the MR differs from that of the CT; bent by some 30
degrees in all."""
EXPLANATION = (
    f"A vertebra is found when it is within {FOUND_MM:g} mm of the truth, on average over its bone. Means in "
    "mm over all vertebrae: at the rigid start, and by the network alone. Joints turn within their ranges "
    "and tissue moves as an elastic solid."
)


@dataclass(frozen=True)
class SpinePhantom:
    """A phantom and the seed of its bad starts."""

    phantom: Phantom
    seed: int


@dataclass(frozen=True)
class Trial:
    """One way to register every spine.

    Attributes:
        wrong_mm: how far every given centre is wrong; None where none is given and the images choose.
        network: whether it is used.
    """

    wrong_mm: float | None
    network: bool

    @property
    def name(self) -> str:
        """Of the file of its row."""
        start = "no_centres" if self.wrong_mm is None else f"{self.wrong_mm:g}mm"
        return f"{start}_{'with' if self.network else 'without'}_network"

    @property
    def title(self) -> str:
        """For the progress."""
        return ", ".join(f"{what} {how}" for what, how in self.words.items())

    @property
    def words(self) -> dict[str, str]:
        """In the table."""
        centres = "none given" if self.wrong_mm is None else f"wrong by {self.wrong_mm:.0f} mm"
        return {"centres": centres, "network": "used" if self.network else "left out"}


TRIALS = tuple(Trial(*each) for each in product((0.0, 5.0, 10.0, 15.0, None), (True, False)))


@dataclass(frozen=True)
class Errors:
    """Mean TRE in mm over the bone of every vertebra of one registration, (n,) each."""

    start: Sequence[float]
    network: Sequence[float]
    found: Sequence[float]


def spine_patients(spines: Sequence[str], count: int) -> list[Patient[SpinePhantom]]:
    """`count` phantoms of each kind of spine, every other one bent backwards.

    Raises:
        InputError: a kind of spine is unknown.
    """
    if unknown := [spine for spine in spines if spine not in SPINES]:
        raise InputError(f"spine '{unknown[0]}': unknown; choose from {', '.join(map(repr, SPINES))}.")
    return [
        Patient(f"{spine.replace(', ', '_').replace(' ', '_')}_{k}", partial(_spine, spine, k), spine)
        for spine in spines
        for k in range(count)
    ]


def with_bad_start(case: Case, wrong_mm: float | None, seed: int) -> Case:
    """The case with every centre wrong by a distance, or without any."""
    if wrong_mm is None:
        return replace(case, mr_centroids=None)
    return with_centroid_error(case, wrong_mm, seed)


def measure(phantom: Phantom, case: Case, with_network: bool) -> Errors:
    """Errors of a registration's poses at the start, by the network alone, and in the end."""
    result = find_poses(case, RegistrationOptions(), silent, [], MOST_LOOKS if with_network else 0)
    return Errors(
        *(_errors(phantom, motions) for motions in (result.start.motions, result.network_poses, result.poses))
    )


def summary(errors: Sequence[Errors], **what: str) -> dict[str, Any]:
    """One record of plain values over several registrations."""
    start, network, found = (
        np.concatenate([getattr(e, name) for e in errors]) for name in ("start", "network", "found")
    )
    return {
        **what,
        "vertebrae": len(found),
        "start mm": round(float(start.mean()), 2),
        "network alone mm": round(float(network.mean()), 2) if len(network) else "",
        "found %": round(100 * float((found < FOUND_MM).mean()), 1),
        "median mm": round(float(np.median(found)), 3),
        "worst mm": round(float(found.max()), 2),
    }


def run_capture(patients: Sequence[Patient[SpinePhantom]], output: Path, progress: Progress = silent) -> Path:
    """Write capture.md, and capture.json for `spine-ctmr export`; return the first (`run_study`)."""
    methods = [Method(trial.name, trial.title, partial(_register, trial)) for trial in TRIALS]
    return run_study(patients, methods, output, partial(_publish, output), progress)


def _spine(spine: str, number: int) -> SpinePhantom:
    levels, posture = SPINES[spine]
    seed = FIRST_SEED + 100 * list(SPINES).index(spine) + number
    posture = replace(posture, bend=posture.bend * (-1) ** number)
    options = replace(phantom_options(number)[1], levels=levels, motion=posture)
    return SpinePhantom(make_phantom(seed, options), seed)


def _register(trial: Trial, spine: SpinePhantom) -> Values:
    case = with_bad_start(spine.phantom.case, trial.wrong_mm, spine.seed)
    return asdict(measure(spine.phantom, case, trial.network))


def _errors(phantom: Phantom, motions: Mapping[int, Pose]) -> Sequence[float]:
    return list(pose_errors(phantom_bone(phantom), motions).values())


def _publish(output: Path, rows: Sequence[Row]) -> Path:
    records = []
    for spine, trial in product(dict.fromkeys(row.kind for row in rows), TRIALS):
        found = [Errors(**row.values) for row in rows if (row.kind, row.method) == (spine, trial.name)]
        records.append(summary(found, spine=spine, **trial.words))
    (output / f"{NAME}.json").write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
    table = [*header(list(records[0])), *(line([str(v) for v in record.values()]) for record in records)]
    return write_page(output / f"{NAME}.md", ["# What the network adds", "", EXPLANATION, "", *table])
