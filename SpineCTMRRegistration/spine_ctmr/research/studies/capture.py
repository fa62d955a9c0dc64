"""Measure what the network adds: how many vertebrae are found with and without it, from bad starts.

Run as `python -m spine_ctmr.research.studies.capture --help`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...evaluation.truth import pose_errors
from ...evaluation.truth_points import phantom_bone
from ...geometry.pose import Pose
from ...imaging.case import Case
from ...options import RegistrationOptions
from ...phantoms.motion import MotionOptions
from ...phantoms.phantom import LUMBAR, Phantom, make_phantom
from ...progress import silent
from ...registration import MOST_LOOKS, find_poses
from .flag_cases import phantom_options
from .phantom_kinds import with_centroid_error

FIRST_SEED = 56_000
"""Seeds that neither training nor tests nor other measurements use."""
FOUND_MM = 1.0
"""A vertebra nearer to the truth is found."""
BEND_DEG = 4.0
"""Of every joint of a bent spine: 28 degrees over eight vertebrae."""
SPINES = {"five lumbar": (LUMBAR, 0.0), "eight, bent": ((17, 18, 19, *LUMBAR), BEND_DEG)}
CENTRES_WRONG_MM: tuple[float | None, ...] = (0.0, 5.0, 10.0, 15.0, None)
"""None: no centres are given, and the images choose the start."""


@dataclass(frozen=True)
class Errors:
    """Mean TRE in mm over the bone of every vertebra of one registration, (n,) each."""

    start: Sequence[float]
    network: Sequence[float]
    found: Sequence[float]


def phantoms(spine: str, patients: int) -> Iterator[tuple[int, Phantom]]:
    """Seeds and phantoms of a kind of spine, every other one bent backwards."""
    levels, bend = SPINES[spine]
    for patient in range(patients):
        seed = FIRST_SEED + 100 * list(SPINES).index(spine) + patient
        motion = MotionOptions(bend_deg=(bend * (-1) ** patient, 0.0, 0.0))
        yield seed, make_phantom(seed, replace(phantom_options(patient)[1], levels=levels, motion=motion))


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


def _errors(phantom: Phantom, motions: Mapping[int, Pose]) -> Sequence[float]:
    return list(pose_errors(phantom_bone(phantom), motions).values())


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table and, with --output, write it as JSON, as `spine-ctmr export --measured` takes it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spines", nargs="*", default=list(SPINES), choices=list(SPINES))
    parser.add_argument("--patients", type=int, default=6, help="phantoms of each kind of spine")
    parser.add_argument("--output", type=Path, help="JSON file")
    chosen = parser.parse_args(arguments)
    records = []
    for spine in chosen.spines:
        errors: dict[tuple[float | None, bool], list[Errors]] = {}
        for seed, phantom in phantoms(spine, chosen.patients):
            for wrong_mm in CENTRES_WRONG_MM:
                case = with_bad_start(phantom.case, wrong_mm, seed)
                for network in (True, False):
                    errors.setdefault((wrong_mm, network), []).append(measure(phantom, case, network))
        for (wrong_mm, network), some in errors.items():
            centres = "none given" if wrong_mm is None else f"wrong by {wrong_mm:.0f} mm"
            used = "used" if network else "left out"
            records.append(summary(some, spine=spine, centres=centres, network=used))
            print(" | ".join(str(value) for value in records[-1].values()), flush=True)
    if chosen.output:
        chosen.output.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
