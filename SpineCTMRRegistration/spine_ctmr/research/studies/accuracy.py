"""The engine's errors on phantoms that no training and no test uses, and on cases with known truth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...choices import Quality
from ...errors import InputError
from ...evaluation.markdown import header, line, number
from ...evaluation.truth import errors_against_truth, pose_errors
from ...imaging.vertebra_names import vertebra_name
from ...options import RegistrationOptions
from ...progress import Progress, silent
from ...registration import register
from .cases import Subject, find_cases, phantom_subject
from .kernel import Method, Patient, Row, Values, run_study, write_csv, write_page
from .phantom_kinds import KINDS, with_centroid_error

FIRST_SEED = 500
COLUMNS = {
    "start_bone_mean": "start",
    "network_bone_mean": "network alone",
    "bone_mean": "bone",
    "bone_worst": "worst vertebra",
    "soft_mean": "soft tissue",
    "rigid_deviation": "not rigid",
    "folds": "folds",
    "inverse_max": "inverse, largest",
    "seconds": "wall s",
    "cpu_s": "CPU s",
}


def phantom_patients(kinds: Sequence[str], count: int) -> list[Patient[Subject]]:
    """`count` phantoms of each kind; seeds of a kind are 20 apart from those of the next in `KINDS`."""
    known = list(KINDS)
    numbered = [(kind, FIRST_SEED + 20 * known.index(kind) + k) for kind in kinds for k in range(count)]
    return [
        Patient(f"{kind.replace(' ', '_')}_{seed}", partial(phantom_subject, seed, KINDS[kind]), kind)
        for kind, seed in numbered
    ]


def case_patients(folder: Path) -> list[Patient[Subject]]:
    """The cases in a folder.

    Raises:
        InputError: there is none, or one lacks a file or true points.
    """
    cases = find_cases(folder)
    for name, files in cases.items():
        if files.truth is None:
            raise InputError(
                f"The case '{name}' has no truth_points.npz, so that its errors are not known; "
                "register it with `spine-ctmr benchmark`."
            )
    return [Patient(name, files.read, name) for name, files in cases.items()]


def engine_methods(
    qualities: Sequence[Quality], centroid_errors_mm: Sequence[float], runs: int
) -> list[Method[Subject]]:
    """The engine at every quality, centroid error and set of sample points."""
    methods = []
    for quality, error, seed in product(qualities, centroid_errors_mm, range(runs)):
        title = f"{quality}, centroids {error:g} mm off, seed {seed}"
        options = RegistrationOptions(quality=quality, seed=seed)
        name = f"{quality}_{error:g}mm_seed{seed}"
        methods.append(Method(name, title, partial(measure, options=options, error_mm=error)))
    return methods


def measure(subject: Subject, options: RegistrationOptions, error_mm: float) -> Values:
    """Errors in mm and times in s of one registration, from the case in memory to both transforms."""
    truth = subject.truth
    assert truth is not None
    case = with_centroid_error(subject.case, error_mm, options.seed)
    began, busy = time.perf_counter(), time.process_time()
    result = register(case, options)
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    start = pose_errors(truth.bone, result.found.start.motions)
    network = list(pose_errors(truth.bone, result.found.network_poses).values())
    errors = errors_against_truth(truth, result.deformation).as_dict()
    return {
        **errors,
        "bone": {vertebra_name(n): error for n, error in errors["bone"].items()},
        "seconds": seconds,
        "cpu_s": cpu,
        "stages": result.seconds,
        "start_bone_mean": float(np.mean(list(start.values()))),
        "network_bone_mean": float(np.mean(network)) if network else None,
    }


def run_accuracy(
    patients: Sequence[Patient[Subject]],
    methods: Sequence[Method[Subject]],
    output: Path,
    progress: Progress = silent,
) -> Path:
    """Write accuracy.md and accuracy.csv; return the path of the first (`run_study`)."""
    titles = {method.name: method.title for method in methods}
    return run_study(patients, methods, output, lambda rows: _publish(output, rows, titles), progress)


def _publish(output: Path, rows: Sequence[Row], titles: dict[str, str]) -> Path:
    flat = [
        {
            "patient": row.patient,
            "kind": row.kind,
            "method": row.method,
            "load": row.load,
            **_flat(row.values),
        }
        for row in rows
    ]
    write_csv(output / "accuracy.csv", flat)
    return write_page(output / "accuracy.md", _lines(rows, titles))


def _flat(values: Values) -> dict[str, Any]:
    single = {key: value for key, value in values.items() if key not in ("bone", "stages")}
    return single | {f"bone {name}": error for name, error in values["bone"].items()}


def _lines(rows: Sequence[Row], titles: dict[str, str]) -> list[str]:
    """A table of all registrations, and one of means over the patients of a kind."""
    lines = [
        "# Accuracy",
        "",
        "Errors in mm: mean over bone, mean of the worst vertebra, mean in soft tissue within 25 mm of bone, "
        "RMS distance from the best rigid fit in the worst vertebra, largest distance after going to the CT "
        "and back.",
        "",
        *header(["patient", "engine", *COLUMNS.values(), "vertebrae"]),
    ]
    for row in rows:
        each = ", ".join(f"{name} {error:.2f}" for name, error in row.values["bone"].items())
        lines.append(line([row.patient, titles[row.method], *_cells([row]), each]))
    lines += ["", "Means, and of worst vertebrae, folds and inverses the largest:", ""]
    lines += header(["kind", "engine", "patients", *COLUMNS.values()])
    for kind in dict.fromkeys(row.kind for row in rows):
        for method, title in titles.items():
            alike = [row for row in rows if (row.kind, row.method) == (kind, method)]
            if alike:
                lines.append(line([kind, title, str(len(alike)), *_cells(alike)]))
    return lines


def _cells(rows: Sequence[Row]) -> list[str]:
    cells = []
    for key in COLUMNS:
        values = [row.values[key] for row in rows if row.values[key] is not None]
        summary = max if key in ("bone_worst", "folds", "inverse_max") else lambda v: float(np.mean(v))
        cells.append(number(summary(values)) if values else "–")
    return cells
