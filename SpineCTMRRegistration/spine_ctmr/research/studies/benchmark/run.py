"""Register every patient with every method, one after the other, and write the tables."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ....errors import InputError
from ....progress import Progress, silent, span
from ..cases import Subject
from .isolation import run_isolated
from .measures import measure
from .methods import Method
from .patients import CASES, REAL, Patient
from .problem import Problem, make_problem, write_problem
from .report import write_report
from .rows import Row, read_rows, write_complete, write_row

TERMS = "terms.json"


@dataclass(frozen=True)
class Terms:
    """What is the same for all methods.

    Attributes:
        threads: CPU threads of every method that survives them.
        limit_s: a method is ended after this time on one patient.
    """

    threads: int
    limit_s: float = 3600.0


def run_benchmark(
    patients: Sequence[Patient],
    methods: Sequence[Method],
    terms: Terms,
    output: Path,
    progress: Progress = silent,
) -> Path:
    """Write benchmark.md, .csv, .json and figures to `output`; return the path of the first.

    Every finished registration is kept: an interrupted run goes on where it stopped, failures are tried
    again, and the page is written anew after every patient. Methods whose package is missing are skipped
    and named.

    Args:
        patients: whom to register.
        methods: the engine among them, to which the others are compared.
        terms: the same for all.
        output: created where missing.
        progress: told before every registration.

    Raises:
        InputError: `output` holds a benchmark of other terms.
    """
    for patient in patients:
        if patient.series in (CASES, REAL):
            patient.make()  # unusable files are refused before anything is made
    output.mkdir(parents=True, exist_ok=True)
    _require_same_terms(output, terms)
    present = [method for method in methods if not method.is_missing]
    page = output
    for k, patient in enumerate(patients):
        part = span(progress, k / len(patients), (k + 1) / len(patients))
        _run_patient(patient, present, terms, output, part)
        page = write_report(output, read_rows(output), methods, terms.threads)
    return page


def _run_patient(
    patient: Patient, methods: Sequence[Method], terms: Terms, output: Path, progress: Progress
) -> None:
    """Measure a patient with the methods that have no result yet."""
    folder = output / "registrations" / patient.name
    folder.mkdir(parents=True, exist_ok=True)
    finished = {row.method for row in read_rows(output) if row.patient == patient.name and not row.failure}
    remaining = [method for method in methods if method.name not in finished]
    if not remaining:
        return
    progress(f"{patient.name}: images", 0.0)
    subject = patient.make()
    problem = make_problem(subject.case, patient.margin_mm)
    with tempfile.TemporaryDirectory(prefix=".problem-", dir=output) as place:
        write_problem(problem, Path(place))
        for k, method in enumerate(remaining, 1):
            progress(f"{patient.name}: {method.name}", k / (len(remaining) + 1))
            row = _row(patient, subject, problem, method, terms, Path(place))
            write_row(folder / f"{method.name}.json", row)


def _row(
    patient: Patient, subject: Subject, problem: Problem, method: Method, terms: Terms, place: Path
) -> Row:
    """Run a method on the problem that lies in `place` and measure what it finds."""
    began, load = datetime.now(timezone.utc), _load()
    outcome = run_isolated(method, place, terms.threads, terms.limit_s)
    found = outcome.transform
    return Row(
        method=method.name,
        patient=patient.name,
        series=patient.series,
        kind=patient.kind,
        vertebrae=len(np.unique(sitk.GetArrayViewFromImage(problem.labels))) - 1,
        voxels=int(np.prod(problem.grid.size)),
        began=began.isoformat(timespec="milliseconds"),
        load=load,
        threads=method.threads(terms.threads),
        version=method.version,
        failure=outcome.failure,
        cost=outcome.cost,
        measures=None if found is None else measure(found, problem, subject.truth, subject.landmarks),
    )


def _load() -> float | None:
    """Processes that wanted a core in the last minute, where the system tells."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _require_same_terms(output: Path, terms: Terms) -> None:
    """Note the terms of a new benchmark; refuse to continue one of others."""
    path, values = output / TERMS, asdict(terms)
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != values:
        raise InputError(
            f"The folder '{output}' holds a benchmark with other threads or another time limit; "
            "choose another folder."
        )
    write_complete(path, json.dumps(values))
