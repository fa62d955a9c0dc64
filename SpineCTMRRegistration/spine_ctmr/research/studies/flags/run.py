"""Calibrate the quality flags on patients that were made to fail, and publish how far to believe them.

Half of the painted patients may choose a rule, the others and all real anatomy test it. A rule that is chosen
belongs into `quality/doubt.py`; what is published is about the rule that is there.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ....errors import InputError
from ....progress import Progress, silent
from ..cases import find_cases
from ..kernel import Method, Patient, Row, Values, run_study, write_csv
from . import patients
from .observations import COLUMNS, Observation, observe
from .page import NAME, publish
from .patients import FlagPatient
from .scenarios import scenarios


@dataclass(frozen=True)
class Failing:
    """A patient, how it is made to fail, and another one whose MR it may get.

    Attributes:
        patient: the patient.
        turn: what is done to it (`scenarios`).
        other: number of a painted patient.
    """

    patient: FlagPatient
    turn: int
    other: int

    def observe(self) -> list[Observation]:
        """All vertebrae of all its registrations."""
        other = partial(patients.painted_patient, self.other)
        return [o for s in scenarios(self.patient, self.turn, other) for o in observe(self.patient, s)]


def flag_patients(
    painted: int, anatomy: Path | None = None, real: int = 0, cases: Path | None = None
) -> list[Patient[Failing]]:
    """Whom to register.

    Args:
        painted: number of painted patients.
        anatomy: folder of CTs with labels (`label_maps`), whose anatomy patients get.
        real: number of those.
        cases: folder of cases with known truth.

    Raises:
        InputError: a folder holds nothing of use, or a case lacks landmarks or true points.
    """
    everyone = [Patient(f"painted_{n}", partial(_painted, n)) for n in range(painted)]
    if anatomy is not None:
        maps = patients.scanned_spines(anatomy)
        everyone += [Patient(f"real_{n}", partial(_real, maps, n)) for n in range(real)]
    if cases is not None:
        files = patients.cases_with_truth(find_cases(cases))
        everyone += [Patient(name, partial(_case, each, k)) for k, (name, each) in enumerate(files.items())]
    return everyone


def run_flag_calibration(
    everyone: Sequence[Patient[Failing]], output: Path, progress: Progress = silent
) -> Path:
    """Write flag_calibration.md, .png and .csv; return the path of the first (`run_study`)."""
    registrations = Method("registrations", "registrations", _measure)
    return run_study(everyone, [registrations], output, partial(_publish_rows, output), progress)


def publish_observations(observations: Sequence[Observation], output: Path) -> Path:
    """Write flag_calibration.md and .png about what the present rule says of them; return the page."""
    output.mkdir(parents=True, exist_ok=True)
    return publish(observations, output)


def read_observations(path: Path) -> list[Observation]:
    """The rows of a flag_calibration.csv.

    Raises:
        InputError: it is missing, damaged or something else.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [Observation.of(row) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise InputError(f"The table '{path}' is no flag_calibration.csv; give one of this study.") from error
    if not rows:
        raise InputError(f"The table '{path}' is empty; give one with results.")
    return rows


def write_observations(path: Path, observations: Sequence[Observation]) -> None:
    """Write a line for each under `COLUMNS`."""
    lines = [observation.as_values() for observation in observations]
    text = [
        {k: f"{line[k]:.4f}" if isinstance(line[k], float) else line[k] for k in COLUMNS} for line in lines
    ]
    write_csv(path, text)


def _painted(number: int) -> Failing:
    regions = len(patients.REGIONS)
    before = number - regions if number >= regions else number + regions
    turn = number % regions - number // regions // 2
    return Failing(patients.painted_patient(number), turn, before)


def _real(maps: patients.Spines, number: int) -> Failing:
    return Failing(patients.real_patient(maps, number), number, 0)


def _case(files: patients.CaseFiles, number: int) -> Failing:
    return Failing(patients.case_patient(files, number), number, 0)


def _measure(failing: Failing) -> Values:
    return {"observations": [observation.as_values() for observation in failing.observe()]}


def _publish_rows(output: Path, rows: Sequence[Row]) -> Path:
    observations = [Observation.of(values) for row in rows for values in row.values["observations"]]
    table = output / f"{NAME}.csv"
    write_observations(table, observations)
    return publish_observations(read_observations(table), output)
