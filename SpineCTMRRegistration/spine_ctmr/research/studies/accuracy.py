"""Measure the engine on phantoms with known truth that no training and no test uses.

Run as `python -m spine_ctmr.research.studies.accuracy --help`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...evaluation.truth import errors_against_truth, pose_errors
from ...imaging.case import Case
from ...options import QUALITIES, RegistrationOptions
from ...phantoms.motion import MotionOptions
from ...phantoms.phantom import Phantom, PhantomOptions, make_phantom
from ...registration import register

FLEXED = MotionOptions(joint_deg=(5.0, 1.5, 1.5))
KINDS: dict[str, PhantomOptions] = {
    "T1 1 mm": PhantomOptions(),
    "STIR 1 mm": PhantomOptions(sequence="STIR"),
    "T1 3.3 mm slices": PhantomOptions(mr_spacing_mm=(0.9, 3.3)),
    "T2 4 mm slices": PhantomOptions(sequence="T2", mr_spacing_mm=(0.8, 4.0)),
    "T1 1 mm flexed": PhantomOptions(motion=FLEXED),
    "T2 4 mm slices flexed": PhantomOptions(sequence="T2", mr_spacing_mm=(0.8, 4.0), motion=FLEXED),
}
FIRST_SEED = 500


def with_centroid_error(case: Case, error_mm: float, seed: int) -> Case:
    """The case with every MR centroid moved by `error_mm` in a random direction."""
    rng = np.random.default_rng([seed, 77])
    moved = {}
    for number, center in (case.mr_centroids or {}).items():
        direction = rng.normal(size=3)
        moved[number] = center + error_mm * direction / np.linalg.norm(direction)
    return replace(case, mr_centroids=moved)


def measure(phantom: Phantom, options: RegistrationOptions, error_mm: float, seed: int) -> dict[str, Any]:
    """Errors in mm and seconds of one registration, from the case in memory to both transforms."""
    case = with_centroid_error(phantom.case, error_mm, seed)
    began = time.perf_counter()
    result = register(case, options)
    seconds = time.perf_counter() - began
    start = pose_errors(phantom, dict.fromkeys(phantom.poses, result.start.global_rigid))
    network = (
        pose_errors(phantom, {n: result.network_poses[n] for n in phantom.poses})
        if result.network_poses
        else {}
    )
    return {
        "centroid_error_mm": error_mm,
        "seconds": seconds,
        "stages": result.seconds,
        "start_bone_mean": float(np.mean(list(start.values()))),
        "network_bone_mean": float(np.mean(list(network.values()))) if network else None,
        **errors_against_truth(phantom, result.deformation).as_dict(),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table and, with --output, write all figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--patients", type=int, default=1, help="phantoms of each kind")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--quality", nargs="*", default=["standard"], choices=QUALITIES)
    parser.add_argument("--centroid-errors", nargs="*", type=float, default=[0.0, 5.0], help="mm")
    parser.add_argument("--seeds", type=int, default=1, help="runs of every row, with other sample points")
    parser.add_argument("--output", type=Path, help="JSON file for all figures")
    chosen = parser.parse_args(arguments)
    print("kind | seed | run | quality | centroids off | start | network | bone | worst | soft | folds | s")
    rows = []
    for index, kind in enumerate(chosen.kinds):
        for patient in range(chosen.patients):
            seed = chosen.first_seed + 20 * index + patient
            phantom = make_phantom(seed, KINDS[kind])
            for quality, error, drawn in product(chosen.quality, chosen.centroid_errors, range(chosen.seeds)):
                row = measure(phantom, RegistrationOptions(quality=quality, seed=drawn), error, seed)
                rows.append({"kind": kind, "seed": seed, "quality": quality, "drawn": drawn, **row})
                _print_row(rows[-1])
    _print_means(rows)
    if chosen.output:
        chosen.output.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def _print_means(rows: Sequence[Mapping[str, Any]]) -> None:
    """A line for each kind, quality and centroid error: means over its runs, and the worst vertebra."""
    print("kind | quality | centroids off | runs | bone | worst vertebra | soft | most folds")
    alike: dict[tuple[str, str, float], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        alike[row["kind"], row["quality"], row["centroid_error_mm"]].append(row)
    for (kind, quality, error), runs in alike.items():
        bone, soft = (np.mean([r[name] for r in runs]) for name in ("bone_mean", "soft_mean"))
        worst, folds = (max(r[name] for r in runs) for name in ("bone_worst", "folds"))
        figures = f"{len(runs)} | {bone:.3f} | {worst:.3f} | {soft:.2f} | {folds}"
        print(f"{kind} | {quality} | {error:.0f} | {figures}", flush=True)


def _print_row(row: dict[str, Any]) -> None:
    network = "-" if row["network_bone_mean"] is None else f"{row['network_bone_mean']:.2f}"
    figures = (
        f"{row['centroid_error_mm']:.0f} | {row['start_bone_mean']:.2f} | {network} | "
        f"{row['bone_mean']:.3f} | {row['bone_worst']:.3f} | {row['soft_mean']:.2f} | {row['folds']} | "
        f"{row['seconds']:.1f}"
    )
    print(f"{row['kind']} | {row['seed']} | {row['drawn']} | {row['quality']} | {figures}", flush=True)


if __name__ == "__main__":
    main()
