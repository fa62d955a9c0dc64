"""Register every patient with every method, each in a process of its own, and write the tables."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ....errors import InputError
from ....geometry.voxels import array_view
from ....process.whole_file import write_whole_text
from ....progress import Progress, silent
from ..kernel import FAILURE, Method, Patient, Row, Values, run_study
from .isolation import run_isolated
from .measures import measure
from .methods import Peer
from .patients import Entry
from .problem import Problem, make_problem, write_problem
from .report import write_report
from .rows import BenchmarkRow

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


@dataclass(frozen=True)
class _Placed:
    """An entry and its problem, which lies in a folder for the methods' processes."""

    entry: Entry
    problem: Problem
    folder: Path


def run_benchmark(
    patients: Sequence[Patient[Entry]],
    peers: Sequence[Peer],
    terms: Terms,
    output: Path,
    progress: Progress = silent,
) -> Path:
    """Write benchmark.md, .csv, .json and figures to `output`; return the path of the first (`run_study`).

    Methods whose package is missing are skipped and named.

    Args:
        patients: whom to register.
        peers: the engine among them, to which the others are compared.
        terms: the same for all.
        output: created where missing.
        progress: told before every registration.

    Raises:
        InputError: `output` holds a benchmark of other terms.
    """
    output.mkdir(parents=True, exist_ok=True)
    _require_same_terms(output, terms)
    methods = [
        Method(peer.name, peer.title, partial(_register, peer, terms))
        for peer in peers
        if not peer.is_missing
    ]

    def publish(rows: Sequence[Row]) -> Path:
        return write_report(output, [BenchmarkRow.of(row) for row in rows], peers, terms.threads)

    with tempfile.TemporaryDirectory(prefix=".problem-", dir=output) as place:
        placed = [
            Patient(p.name, partial(_placed, p.make, Path(place) / "problem"), p.kind) for p in patients
        ]
        return run_study(placed, methods, output, publish, progress)


def _placed(make: Callable[[], Entry], folder: Path) -> _Placed:
    """Make an entry and its problem, in place of the one before."""
    entry = make()
    problem = make_problem(entry.subject.case, entry.margin_mm)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_problem(problem, folder)
    return _Placed(entry, problem, folder)


def _register(peer: Peer, terms: Terms, placed: _Placed) -> Values:
    """Run a method on a problem and measure what it finds."""
    problem, subject = placed.problem, placed.entry.subject
    outcome = run_isolated(peer, placed.folder, terms.threads, terms.limit_s)
    found = outcome.transform
    measures = None if found is None else measure(found, problem, subject.truth, subject.landmarks)
    values = {
        "series": placed.entry.series,
        "vertebrae": len(np.unique(array_view(problem.labels))) - 1,
        "voxels": int(np.prod(problem.grid.size)),
        "threads": peer.threads(terms.threads),
        "version": peer.version,
        "cost": outcome.cost and asdict(outcome.cost),
        "measures": measures and asdict(measures),
    }
    return values if outcome.failure is None else {**values, FAILURE: outcome.failure}


def _require_same_terms(output: Path, terms: Terms) -> None:
    """Note the terms of a new benchmark; refuse to continue one of others."""
    path, values = output / TERMS, asdict(terms)
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != values:
        raise InputError(
            f"The folder '{output}' holds a benchmark with other threads or another time limit; "
            "choose another folder."
        )
    write_whole_text(path, json.dumps(values))
