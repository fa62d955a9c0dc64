"""What came of one patient, read from the study's folder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import InputError
from ..imaging.checks import InputNames
from ..json_files import read_json
from ..quality.flags import Flag
from ..quality.privacy import without_paths
from ..results import names
from ..results.sign_off import State, read_sign_off, require_match, state, vertebrae_of
from .folders import LOGS, PATIENTS
from .patients import CASE, Patient
from .stamp import registered, settled

ERROR = "error: "
"""So begins the sentence with which `spine-ctmr register` ends."""
EARLIER = "What lies in the patient's folder is the result of an earlier row or of earlier images."
Came = Literal["done", "failed its own checks", "no result", "not begun"]
WORST_FIRST: tuple[Came, ...] = ("no result", "failed its own checks", "done", "not begun")


@dataclass(frozen=True)
class Outcome:
    """What came of one patient.

    Attributes:
        case: the patient's name in the study.
        came: what there is.
        sentence: the result's verdict, or why there is none; no paths.
        flags: by vertebra name.
        seconds: of the registration without reading and writing; NaN = not known.
        peak_memory_mb: of the registration; NaN = not known.
        signed: where the signing stands; a sign-off that does not belong to the result counts as none.
        in_table: whether the patient is in the table; otherwise only in the study's folder.
    """

    case: str
    came: Came
    sentence: str = ""
    flags: Mapping[str, Flag] = field(default_factory=dict)
    seconds: float = math.nan
    peak_memory_mb: float = math.nan
    signed: State = "open"
    in_table: bool = True

    def count(self, flag: Flag) -> int:
        """Vertebrae with a flag."""
        return list(self.flags.values()).count(flag)

    @property
    def worst(self) -> Flag:
        """The flag of the whole: that of its worst vertebra; "check" before it has begun."""
        if self.came in ("no result", "failed its own checks") or self.count("do not use"):
            return "do not use"
        return "check" if self.count("check") or not self.flags else "good"

    @property
    def badness(self) -> tuple[float, ...]:
        """Sorts the worst first: by what came, then by the share of vertebrae not to use and to check."""
        number = max(len(self.flags), 1)
        shares = (-self.count("do not use") / number, -self.count("check") / number)
        return (float(WORST_FIRST.index(self.came)), *shares)


def read_outcome(study: Path, patient: Patient) -> Outcome:
    """What came of a patient."""
    if not settled(study, patient):
        return _without_result(study, patient)
    return _of_result(study / PATIENTS / patient.case)


def read_others(study: Path, patients: Sequence[Patient]) -> list[Outcome]:
    """What came of those in the study's folder who are not among `patients`."""
    results = {path.parent.name for path in (study / PATIENTS).glob(f"*/{names.RUN}")}
    cases = results | {path.stem for path in (study / LOGS).glob("*.log")}
    outcomes = (
        _of_result(study / PATIENTS / case)
        if registered(study, case)
        else _without_result(study, Patient(case, {}))
        for case in sorted(cases - {patient.case for patient in patients})
        if CASE.fullmatch(case)
    )
    return [replace(outcome, in_table=False) for outcome in outcomes]


def _of_result(folder: Path) -> Outcome:
    case = folder.name
    mend = "remove its folder and run the cohort again"
    try:
        run, quality = (_table(folder / name, mend) for name in (names.RUN, names.QUALITY))
        failure = run.get("failure")
        return Outcome(
            case,
            "failed its own checks" if failure else "done",
            without_paths(str(failure or quality["verdict"])),
            {str(row["name"]): row["flag"] for row in quality["vertebrae"]},
            float(sum(run["seconds"].values())),
            float(run.get("peak_memory_mb") or math.nan),
            _signed(folder),
        )
    except InputError as error:
        return Outcome(case, "no result", without_paths(str(error)))
    except (KeyError, TypeError, AttributeError, ValueError):
        return Outcome(case, "no result", f"The result is damaged; {mend}.")


def _table(path: Path, mend: str) -> dict[str, Any]:
    content = read_json(path, mend)
    return content if isinstance(content, dict) else {}


def _without_result(study: Path, patient: Patient) -> Outcome:
    earlier = EARLIER if (study / PATIENTS / patient.case / names.RUN).is_file() else ""
    log = study / LOGS / f"{patient.case}.log"
    if not log.is_file():
        return Outcome(patient.case, "not begun", earlier)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.removeprefix(ERROR) for line in lines if line.startswith(ERROR)]
    sentence = errors[-1] if errors else "It was ended before it was done; run the cohort again."
    roles = asdict(InputNames())
    for column, path in sorted(patient.files.items(), key=lambda item: -len(str(item[1]))):
        sentence = sentence.replace(f"'{path}'", roles[column]).replace(str(path), roles[column])
    said = without_paths(sentence[:1].upper() + sentence[1:])
    return Outcome(patient.case, "no result", f"{said} {earlier}".rstrip())


def _signed(folder: Path) -> State:
    path = folder / names.SIGN_OFF
    if not path.is_file():
        return "open"
    try:
        sign_off = read_sign_off(path)
        require_match(folder, sign_off)
    except InputError:
        return "open"
    return state(sign_off, vertebrae_of(folder))
