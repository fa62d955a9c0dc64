"""What every study is: patients × methods → kept rows → tables and figures → page."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Generic, TypeVar

from ...process.whole_file import write_whole_text
from ...progress import Progress, silent, span

ROWS = "rows"
PUBLISH_EVERY_S = 300.0
FAILURE = "failure"
Subject = TypeVar("Subject")
Values = Mapping[str, Any]
"""What was measured, as JSON can hold it. Under "failure" it says in words why there is nothing else."""


@dataclass(frozen=True)
class Patient(Generic[Subject]):
    """Whom a study registers.

    Attributes:
        name: of the folder of its rows.
        make: makes or reads what the methods are given; called only if something is left to do.
        kind: what patients of the same table have in common.
    """

    name: str
    make: Callable[[], Subject]
    kind: str = ""


@dataclass(frozen=True)
class Method(Generic[Subject]):
    """What a study does with every patient.

    Attributes:
        name: on the command line and of the file of its row.
        title: in tables and figures.
        measure: registers a patient and measures the outcome.
    """

    name: str
    title: str
    measure: Callable[[Subject], Values]


@dataclass(frozen=True)
class Row:
    """One method on one patient.

    Attributes:
        patient, kind, method: names.
        began: date and time, UTC.
        load: processes that wanted a core of the machine when it began, where the system tells.
        values: what was measured.
    """

    patient: str
    kind: str
    method: str
    began: str
    load: float | None
    values: Values


Publish = Callable[[Sequence[Row]], Path]


def run_study(
    patients: Sequence[Patient[Subject]],
    methods: Sequence[Method[Subject]],
    output: Path,
    publish: Publish,
    progress: Progress = silent,
) -> Path:
    """Measure what is left to measure and publish; return the path of the page.

    Every row is kept when it is finished: an interrupted study goes on where it stopped, and failures and
    damaged rows are tried again. Rows of methods and patients that are not asked for are kept, but not
    published. In a long study the page is written anew every few minutes.

    Args:
        patients: whom to register.
        methods: what to do with each.
        output: folder of the study, created where missing.
        publish: writes tables, figures and the page from the rows, in the order of the patients.
        progress: told before every registration.
    """
    folder = output / ROWS
    rows: list[Row] = []
    published = time.monotonic()
    for k, patient in enumerate(patients):
        part = span(progress, k / len(patients), (k + 1) / len(patients))
        rows += _rows_of(patient, methods, folder / patient.name, part)
        if time.monotonic() - published > PUBLISH_EVERY_S and k + 1 < len(patients):
            publish(rows)
            published = time.monotonic()
    return publish(rows)


def write_page(path: Path, lines: Sequence[str]) -> Path:
    """Write a page of Markdown; return its path."""
    write_whole_text(path, "\n".join(lines).rstrip() + "\n")
    return path


def write_csv(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write a line for each mapping under the names of all values; what a line lacks stays empty."""
    columns = list(dict.fromkeys(name for values in lines for name in values))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(lines)


def _rows_of(
    patient: Patient[Subject], methods: Sequence[Method[Subject]], folder: Path, progress: Progress
) -> list[Row]:
    """The rows of a patient by all methods, measured where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {method.name: folder / f"{method.name}.json" for method in methods}
    kept = {name: row for name, path in paths.items() if (row := _read(path)) is not None}
    remaining = [m for m in methods if m.name not in kept or FAILURE in kept[m.name].values]
    if remaining:
        progress(f"{patient.name}: images", 0.0)
        subject = patient.make()
        for k, method in enumerate(remaining, 1):
            progress(f"{patient.name}: {method.title}", k / (len(remaining) + 1))
            began, load = datetime.now(timezone.utc).isoformat(timespec="milliseconds"), _load()
            row = Row(patient.name, patient.kind, method.name, began, load, method.measure(subject))
            write_whole_text(paths[method.name], json.dumps(asdict(row)))
            kept[method.name] = row
    return [kept[method.name] for method in methods]


def _read(path: Path) -> Row | None:
    """A kept row; None if there is none or its file is damaged, so that it is measured again."""
    try:
        return Row(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _load() -> float | None:
    """Processes that wanted a core in the last minute, where the system tells."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
