"""Synthetic patients on whom the networks of all papers are measured, and whom no training has seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ....geometry.grid import Grid
from ....phantoms.bank import fill_bank
from ....phantoms.pair_motion import first_pair
from ....phantoms.patient import EDITION, ELASTIC
from ....progress import Progress, silent
from ...training.batch import Batch
from ...training.synthetic_data import make_batch, read_started
from ..kernel import Patient

TEST_SEED = 105
SPACING_MM = 2.0
SIZE = (64, 64, 96)
"""Voxels (x, y, z) that are registered and measured."""
MARGIN = 4
"""Voxels by which the stored pairs are larger, as in the trainings."""


@dataclass(frozen=True)
class Shown:
    """How a paper sees the patients.

    Attributes:
        sequence: of the MR, as in `DataOptions`.
        start: of the CT, one of `STARTS`.
    """

    sequence: str
    start: str


@dataclass(frozen=True)
class HeldOutPatient:
    """One patient whom no training has seen.

    Attributes:
        number: from 0.
        batch: of one pair.
    """

    number: int
    batch: Batch

    @property
    def grid(self) -> Grid:
        """In mm along the axes."""
        return Grid(SIZE, (SPACING_MM,) * 3, (0.0, 0.0, 0.0))


def make_patients(bank: Path, count: int, progress: Progress = silent) -> None:
    """Make the patients that the bank lacks; their tissue moves as an elastic solid."""
    x, y, z = (n + MARGIN for n in SIZE)
    for number in range(count):
        fill_bank(_folder(bank), TEST_SEED, [first_pair(number)], (x, y, z), SPACING_MM, motion=ELASTIC)
        progress("Making test patients", (number + 1) / count)


def read_patient(bank: Path, number: int, shown: Shown) -> HeldOutPatient:
    """A patient that `make_patients` has made, as scanners show it: noise, bias, thick slices, cut fields.

    Args:
        bank: folder of banks.
        number: of the patient.
        shown: as what.
    """
    rng = np.random.default_rng([TEST_SEED, number])
    pair = read_started(_folder(bank), TEST_SEED, first_pair(number), shown.start)
    return HeldOutPatient(number, make_batch(rng, pair, SIZE, shown.sequence, scanner_effects=True))


def held_out_patients(bank: Path, count: int, shown: Shown) -> Iterator[Patient[HeldOutPatient]]:
    """The patients of a study."""
    for number in range(count):
        yield Patient(f"patient-{number:03d}", partial(read_patient, bank, number, shown))


def _folder(bank: Path) -> Path:
    x, y, z = (n + MARGIN for n in SIZE)
    return bank / f"edition{EDITION}-{ELASTIC}-{SPACING_MM:g}mm-{x}x{y}x{z}"
