"""Calibrate the quality flags on phantoms that were made to fail, and publish how far to believe them.

Every other round through the kinds of MR chooses the rule, the rest tests it. The rule that is chosen belongs
into `quality/doubt.py`; what is published is about the rule that is there.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from ....errors import InputError
from ....progress import Progress, silent
from ..kernel import Method, Patient, Row, Values, run_study, write_csv
from ..phantom_kinds import phantom_options
from .fit import ACCURATE_MM, FAILED_MM, fit_rule, fit_stretch_limit
from .observations import (
    COLUMNS,
    CROSSED_KINDS,
    Failing,
    Observation,
    crossed,
    is_crossed,
    is_held_out,
    numbered,
)
from .page import NAME, publish


def flag_patients(count: int) -> list[Patient[Failing]]:
    """`count` phantoms that are made to fail, and a few each of whose CTs meets every MR."""
    return [
        *(Patient(f"phantom_{n}", partial(numbered, n), phantom_options(n)[0]) for n in range(count)),
        *(
            Patient(f"ct_{ct}_mr_{mr}", partial(crossed, ct, mr), phantom_options(CROSSED_KINDS[ct])[0])
            for ct, mr in product(range(len(CROSSED_KINDS)), repeat=2)
        ),
    ]


def run_flag_calibration(
    patients: Sequence[Patient[Failing]], output: Path, progress: Progress = silent
) -> Path:
    """Write flag_calibration.md, .png and .csv; return the path of the first (`run_study`)."""
    registrations = Method("registrations", "registrations", _measure)
    return run_study(patients, [registrations], output, partial(_publish_rows, output), progress)


def publish_observations(observations: Sequence[Observation], output: Path) -> Path:
    """Write flag_calibration.md and .png about what the present rule says of them; return the page."""
    output.mkdir(parents=True, exist_ok=True)
    sets = {
        "Phantoms that chose the rules": _chooses,
        "Held-out phantoms": is_held_out,
        "Every CT with every MR": is_crossed,
    }
    chosen = {title: [o for o in observations if belongs(o)] for title, belongs in sets.items()}
    return publish(chosen, output)


def chosen_rule(observations: Sequence[Observation]) -> str:
    """The rule, and the limit of the bones' stretch, that the phantoms which choose would choose."""
    chosen = [o for o in observations if _chooses(o)]
    errors = [o.tre_mm for o in chosen]
    if not (any(e < ACCURATE_MM for e in errors) and any(e > FAILED_MM for e in errors)):
        return "Too few vertebrae to choose a rule; give more patients."
    return f"{fit_rule(chosen)}\n{fit_stretch_limit(chosen)}"


def read_observations(path: Path) -> list[Observation]:
    """The rows of a flag_calibration.csv.

    Raises:
        InputError: it is missing, damaged or something else.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [_observation(row) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise InputError(f"The table '{path}' is no flag_calibration.csv; give one of this study.") from error
    if not rows:
        raise InputError(f"The table '{path}' is empty; give one with results.")
    return rows


def write_observations(path: Path, observations: Sequence[Observation]) -> None:
    """Write a line for each under `COLUMNS`."""
    plain = [asdict(observation) for observation in observations]
    write_csv(path, [{k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()} for row in plain])


def _chooses(observation: Observation) -> bool:
    return not (is_crossed(observation) or is_held_out(observation))


def _measure(failing: Failing) -> Values:
    return {"observations": [asdict(observation) for observation in failing.observe()]}


def _publish_rows(output: Path, rows: Sequence[Row]) -> Path:
    observations = [Observation(**values) for row in rows for values in row.values["observations"]]
    write_observations(output / f"{NAME}.csv", observations)
    return publish_observations(observations, output)


def _observation(row: dict[str, str]) -> Observation:
    values: dict[str, Any] = {name: row[name] for name in ("kind", "scenario", "vertebra", "trouble")}
    values["patient"] = int(row["patient"])
    values |= {name: float(row.get(name) or "nan") for name in COLUMNS if name not in values}
    return Observation(**values)
