"""Whom the benchmark registers: phantoms with known truth, cases from folders, and a real pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ....evaluation.truth_points import phantom_truth
from ....phantoms.phantom import LUMBAR, PhantomOptions, make_phantom
from ..cases import CaseFiles, Subject, find_cases
from ..phantom_kinds import KINDS, known_kinds

MARGIN_MM = 28.0
FIRST_SEED = 31_000
ACCURACY, CASES, REAL, VERTEBRAE, VOLUME = "accuracy", "cases", "real", "vertebrae", "volume"
SCALING_LEVELS = ((23, 24), (22, 23, 24), (21, 22, 23, 24), (20, 21, 22, 23, 24))
SCALING_MARGINS_MM = (MARGIN_MM, 44.0, 64.0)


@dataclass(frozen=True)
class Patient:
    """A patient of the benchmark.

    Attributes:
        name: of its folder.
        series: "accuracy", "cases", "real", or "vertebrae" or "volume" for the scaling of time and memory.
        make: makes or reads the images; called only if something is left to do.
        margin_mm: how far the common grid extends beyond the moved bones.
        kind: what phantoms of the same table have in common.
    """

    name: str
    series: str
    make: Callable[[], Subject]
    margin_mm: float = MARGIN_MM
    kind: str = ""


def phantoms(kinds: Sequence[str], count: int, levels: Sequence[int] = LUMBAR) -> list[Patient]:
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
            chosen.append(Patient(name, ACCURACY, _maker(seed, options), kind=kind))
    return chosen


def scaling_phantoms() -> list[Patient]:
    """Phantoms with more and more vertebrae, and with larger and larger fields of view."""
    chosen = []
    for levels in SCALING_LEVELS:
        options = PhantomOptions(levels=levels)
        name = f"{len(levels)}_vertebrae"
        chosen.append(Patient(name, VERTEBRAE, _maker(FIRST_SEED + 200, options)))
    for margin in SCALING_MARGINS_MM:
        options = PhantomOptions(levels=SCALING_LEVELS[0], margin_mm=margin + 4)
        maker = _maker(FIRST_SEED + 200, options)
        chosen.append(Patient(f"margin_{margin:.0f}_mm", VOLUME, maker, margin))
    return chosen


def folder_cases(folder: Path) -> list[Patient]:
    """The patients that lie in a folder (`find_cases`).

    Raises:
        InputError: there is none, or one lacks a file.
    """
    return [Patient(name, CASES, files.read, kind=name) for name, files in find_cases(folder).items()]


def real_pair(files: CaseFiles) -> Patient:
    """A patient whose truth is not known."""
    return Patient("real_pair", REAL, files.read)


def _maker(seed: int, options: PhantomOptions) -> Callable[[], Subject]:
    def make() -> Subject:
        phantom = make_phantom(seed, options)
        return Subject(phantom.case, phantom_truth(phantom))

    return make
