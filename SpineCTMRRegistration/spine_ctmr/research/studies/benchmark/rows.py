"""One method on one patient, as a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .child import Cost
from .measures import Measures


@dataclass(frozen=True)
class Row:
    """One registration of the benchmark.

    Attributes:
        method, patient, series, kind: names.
        vertebrae: how many were registered.
        voxels: of the common grid.
        began: date and time, UTC.
        load: processes that wanted a core of the machine when it began, where the system tells.
        threads: that the method was given.
        version: of the method's package.
        failure: why there is no result, in words.
        cost, measures: None after a failure.
    """

    method: str
    patient: str
    series: str
    kind: str
    vertebrae: int
    voxels: int
    began: str
    load: float | None
    threads: int
    version: str | None
    failure: str | None
    cost: Cost | None
    measures: Measures | None

    def flat(self) -> dict[str, Any]:
        """Plain values by name, without the single points."""
        values = {k: v for k, v in vars(self).items() if k not in ("cost", "measures")}
        for part in (self.cost, self.measures):
            values |= asdict(part) if part else {}
        values.pop("bone_points", None)
        return values


def write_row(path: Path, row: Row) -> None:
    """Write a row so that the file is complete or not there."""
    write_complete(path, json.dumps(asdict(row)))


def write_complete(path: Path, text: str) -> None:
    """Write a text so that the file is complete or not there, whenever the run ends."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def read_rows(output: Path) -> list[Row]:
    """All rows of a benchmark, in the order in which they were measured."""
    files = (output / "registrations").glob("*/*.json")
    rows = [_row(json.loads(path.read_text(encoding="utf-8"))) for path in files]
    return sorted(rows, key=lambda row: (row.began, row.patient, row.method))


def _row(values: Mapping[str, Any]) -> Row:
    cost, measures = values["cost"], values["measures"]
    if measures and measures["bone_points"] is not None:
        measures = {**measures, "bone_points": tuple(measures["bone_points"])}
    parts = {"cost": cost and Cost(**cost), "measures": measures and Measures(**measures)}
    return Row(**{**values, **parts})
