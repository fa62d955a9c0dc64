"""Whom the benchmark registers: phantoms with known truth, and a real pair where one is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ....errors import InputError
from ....evaluation.landmark_pairs import LandmarkPair, read_landmark_pairs
from ....imaging.case import Case
from ....imaging.read_case import read_case
from ....phantoms.phantom import LUMBAR, Phantom, PhantomOptions, make_phantom
from ..accuracy import KINDS

MARGIN_MM = 28.0
FIRST_SEED = 31_000
ACCURACY, REAL, VERTEBRAE, VOLUME = "accuracy", "real", "vertebrae", "volume"
SCALING_LEVELS = ((23, 24), (22, 23, 24), (21, 22, 23, 24), (20, 21, 22, 23, 24))
SCALING_MARGINS_MM = (MARGIN_MM, 44.0, 64.0)


@dataclass(frozen=True)
class Subject:
    """What there is to register, and what is known about it."""

    case: Case
    phantom: Phantom | None = None
    landmarks: tuple[LandmarkPair, ...] = ()


@dataclass(frozen=True)
class Patient:
    """A patient of the benchmark.

    Attributes:
        name: of its folder.
        series: "accuracy", "real", or "vertebrae" or "volume" for the scaling of time and memory.
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
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"kind '{kind}': unknown; choose from {', '.join(map(repr, KINDS))}.")
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


def real_pair(
    ct: Path,
    mr: Path,
    vertebrae: Path,
    mr_landmarks: Path | None,
    mr_vertebrae: Path | None,
    landmarks: Path | None,
) -> Patient:
    """A patient from files, as `read_case` takes them, with landmark pairs to measure the error at.

    Raises:
        InputError: something is unreadable or unfit.
    """
    pairs = tuple(read_landmark_pairs([landmarks])) if landmarks else ()

    def make() -> Subject:
        return Subject(read_case(ct, mr, vertebrae, mr_landmarks, mr_vertebrae), landmarks=pairs)

    return Patient("real_pair", REAL, make)


def _maker(seed: int, options: PhantomOptions) -> Callable[[], Subject]:
    def make() -> Subject:
        phantom = make_phantom(seed, options)
        return Subject(phantom.case, phantom)

    return make
