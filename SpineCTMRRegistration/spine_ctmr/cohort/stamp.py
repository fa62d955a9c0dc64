"""What a patient's result was made from, told by a stamp outside the folder of results.

It says which patients are waiting: whose row or images are others than those of the last result. Snakemake
registers those without a stamp.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..results import names
from .folders import LOGS, PATIENTS, STAMPS
from .patients import Patient


def stamp(patient: Patient) -> str:
    """The same for the same row and the same files, by their sizes and times; no paths can be read in it."""
    told = [patient.words, [_state(path) for path in patient.files.values()]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def registered(study: Path, case: str) -> bool:
    """Whether the last registration of a case came to a result, and that is still there."""
    return (study / STAMPS / case).is_file() and (study / PATIENTS / case / names.RUN).is_file()


def settled(study: Path, patient: Patient) -> bool:
    """Whether a patient's result is that of the row and the images as they are now."""
    return registered(study, patient.case) and _stamp_in(study, patient.case) == stamp(patient)


def waiting(study: Path, patients: Sequence[Patient]) -> list[str]:
    """The cases, sorted, that would be registered now; nothing is written."""
    return sorted(patient.case for patient in patients if not settled(study, patient))


def withdraw(study: Path, patients: Sequence[Patient]) -> None:
    """Remove the stamps of patients that are waiting, and the logs that were of an earlier row or images."""
    for case in waiting(study, patients):
        if (study / STAMPS / case).exists():
            (study / LOGS / f"{case}.log").unlink(missing_ok=True)
            (study / STAMPS / case).unlink()


def _stamp_in(study: Path, case: str) -> str:
    return (study / STAMPS / case).read_text(encoding="utf-8", errors="replace")


def _state(path: Path) -> tuple[int, int, int]:
    """Number, bytes and latest change (ns) of the file or of those in the folder; what is gone counts not."""
    files = [Path(root, name) for root, _, found in os.walk(path) for name in found] or [path]
    states = []
    for file in files:
        with suppress(OSError):
            states.append(file.stat())
    return (
        len(states),
        sum(one.st_size for one in states),
        max((one.st_mtime_ns for one in states), default=0),
    )
