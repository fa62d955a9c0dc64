"""Whom the benchmark registers: phantoms with known truth, cases from folders, and a real pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ....phantoms.phantom import LUMBAR, PhantomOptions
from ..cases import CaseFiles, Subject, find_cases, phantom_subject
from ..kernel import Patient
from ..phantom_kinds import KINDS, known_kinds

MARGIN_MM = 28.0
FIRST_SEED = 31_000
ACCURACY, CASES, REAL, VERTEBRAE, VOLUME = "accuracy", "cases", "real", "vertebrae", "volume"
SCALING_LEVELS = ((23, 24), (22, 23, 24), (21, 22, 23, 24), (20, 21, 22, 23, 24))
SCALING_MARGINS_MM = (MARGIN_MM, 44.0, 64.0)


@dataclass(frozen=True)
class Entry:
    """A patient in one of the benchmark's tables.

    Attributes:
        subject: what there is to register.
        series: "accuracy", "cases", "real", or "vertebrae" or "volume" for the scaling of time and memory.
        margin_mm: how far the common grid extends beyond the moved bones.
    """

    subject: Subject
    series: str
    margin_mm: float = MARGIN_MM


def phantoms(kinds: Sequence[str], count: int, levels: Sequence[int] = LUMBAR) -> list[Patient[Entry]]:
    """`count` phantoms of each kind, from seeds that no training and no test uses.

    Raises:
        InputError: a kind is unknown.
    """
    chosen = []
    for kind in known_kinds(kinds):
        options = replace(KINDS[kind], levels=tuple(levels))
        first = FIRST_SEED + 20 * list(KINDS).index(kind)
        for seed in range(first, first + count):
            name = f"{kind.replace(' ', '_')}_{seed}"
            chosen.append(Patient(name, partial(_phantom, seed, options, ACCURACY), kind))
    return chosen


def scaling_phantoms() -> list[Patient[Entry]]:
    """Phantoms with more and more vertebrae, and with larger and larger fields of view."""
    seed, chosen = FIRST_SEED + 200, []
    for levels in SCALING_LEVELS:
        make = partial(_phantom, seed, PhantomOptions(levels=levels), VERTEBRAE)
        chosen.append(Patient(f"{len(levels)}_vertebrae", make))
    for margin in SCALING_MARGINS_MM:
        options = PhantomOptions(levels=SCALING_LEVELS[0], margin_mm=margin + 4)
        chosen.append(Patient(f"margin_{margin:.0f}_mm", partial(_phantom, seed, options, VOLUME, margin)))
    return chosen


def folder_cases(folder: Path) -> list[Patient[Entry]]:
    """The patients that lie in a folder (`find_cases`), each read once, so that none is refused later.

    Raises:
        InputError: there is none, or one lacks a file or is unfit.
    """
    cases = find_cases(folder)
    for files in cases.values():
        files.read()
    return [Patient(name, partial(_read, files, CASES), name) for name, files in cases.items()]


def real_pair(files: CaseFiles) -> Patient[Entry]:
    """A patient whose truth is not known, read once, so that it is not refused later.

    Raises:
        InputError: something is unreadable or unfit.
    """
    files.read()
    return Patient("real_pair", partial(_read, files, REAL))


def _read(files: CaseFiles, series: str) -> Entry:
    return Entry(files.read(), series)


def _phantom(seed: int, options: PhantomOptions, series: str, margin_mm: float = MARGIN_MM) -> Entry:
    return Entry(phantom_subject(seed, options), series, margin_mm)
