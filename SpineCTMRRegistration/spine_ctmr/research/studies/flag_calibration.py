"""Calibrate the quality flags on phantoms that were made to fail, and publish how far to believe them.

Run as `python -m spine_ctmr.research.studies.flag_calibration --help`. Every other round through the
kinds of MR chooses the rule, the rest tests it. The rule that is printed belongs into `quality/doubt.py`;
what is published is about the rule that is there.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from ...phantoms.phantom import Phantom, make_phantom
from .flag_cases import (
    COLUMNS,
    CROSSED_SEED,
    FIRST_SEED,
    Observation,
    observe,
    observe_crossed,
    phantom_options,
    scenarios,
)
from .flag_fit import fit_rule, fit_stretch_limit
from .flag_publication import NAME, publish
from .phantom_kinds import KINDS

PUBLISHED = Path("docs/measured")
"""Where the page lies in this repository, from which the study is run."""


def collect(patients: int, path: Path) -> list[Observation]:
    """Observations of all patients; those already in the CSV file `path` are read from it."""
    rows = read_observations(path)
    done = {row.patient for row in rows}
    before: Phantom | None = None
    for patient in range(patients):
        if patient in done:
            before = None
            continue
        other = before or _phantom((patient + 1) % patients)
        before = _phantom(patient)
        new = []
        for name, case, troubles in scenarios(before, other, patient):
            new += observe(before, case, patient, phantom_options(patient)[0], name, troubles)
        _append(path, new)
        rows += new
        print(f"patient {patient}: {len(new)} vertebrae", flush=True)
    if CROSSED_SEED not in done:
        new = [row for registration in observe_crossed() for row in registration]
        _append(path, new)
        rows += new
    return rows


def read_observations(path: Path) -> list[Observation]:
    """The rows of a CSV file that `collect` wrote; none if there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [_observation(row) for row in csv.DictReader(file)]


def _observation(row: dict[str, str]) -> Observation:
    values: dict[str, Any] = {name: row[name] for name in ("kind", "scenario", "vertebra", "trouble")}
    values["patient"] = int(row["patient"])
    values |= {name: float(row.get(name) or "nan") for name in COLUMNS if name not in values}
    return Observation(**values)


def _append(path: Path, rows: Sequence[Observation]) -> None:
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([f"{v:.4f}" if isinstance(v, float) else v for v in astuple(row)])


def _seed(patient: int) -> int:
    return FIRST_SEED + 20 * (patient % len(KINDS)) + patient // len(KINDS)


def _phantom(patient: int) -> Phantom:
    return make_phantom(_seed(patient), phantom_options(patient)[1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Collect, choose a rule, and publish what the present one is worth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=48, help="phantoms; about half a minute each")
    rows_file = PUBLISHED / f"{NAME}.csv"
    parser.add_argument("--rows", type=Path, default=rows_file, help="continued if it exists")
    parser.add_argument("--output", type=Path, default=PUBLISHED, help="folder of the page")
    chosen = parser.parse_args(arguments)
    rows = collect(chosen.patients, chosen.rows)
    crossed = [row for row in rows if row.patient >= CROSSED_SEED]
    rows = [row for row in rows if row.patient < CROSSED_SEED]
    calibration = [row for row in rows if not _is_held_out(row.patient)]
    print(fit_rule(calibration), fit_stretch_limit(calibration), sep="\n")
    held_out = [row for row in rows if _is_held_out(row.patient)]
    sets = {"Phantoms that chose the rules": calibration, "Held-out phantoms": held_out}
    publish({**sets, "Every CT with every MR": crossed}, chosen.output)


def _is_held_out(patient: int) -> bool:
    return patient // len(KINDS) % 2 == 1


if __name__ == "__main__":
    main()
