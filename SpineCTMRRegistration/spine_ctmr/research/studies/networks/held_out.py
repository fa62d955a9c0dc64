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
EXTENT_MM = (128.0, 128.0, 192.0)
"""Of what is registered and measured, (x, y, z)."""
MARGIN = 4
"""Voxels by which the stored pairs are larger, as in the trainings."""


@dataclass(frozen=True)
class Shown:
    """How a paper sees the patients.

    Attributes:
        sequence: of the MR, as in `DataOptions`.
        start: of the CT, one of `STARTS`.
        spacing_mm: of their voxels.
    """

    sequence: str
    start: str
    spacing_mm: float = 2.0

    @property
    def size(self) -> tuple[int, int, int]:
        """Voxels (x, y, z)."""
        x, y, z = (round(side / self.spacing_mm) for side in EXTENT_MM)
        return x, y, z


@dataclass(frozen=True)
class HeldOutPatient:
    """One patient whom no training has seen.

    Attributes:
        number: from 0.
        batch: of one pair.
        spacing_mm: of its voxels.
    """

    number: int
    batch: Batch
    spacing_mm: float

    @property
    def grid(self) -> Grid:
        """In mm along the axes."""
        z, y, x = self.batch.fixed.shape[2:]
        return Grid((x, y, z), (self.spacing_mm,) * 3, (0.0, 0.0, 0.0))


def make_patients(bank: Path, count: int, shown: Shown, progress: Progress = silent) -> None:
    """Make the patients that the bank lacks; their tissue moves as an elastic solid."""
    folder, size = _folder(bank, shown), _stored_size(shown)
    for number in range(count):
        fill_bank(folder, TEST_SEED, [first_pair(number)], size, shown.spacing_mm, motion=ELASTIC)
        progress("Making test patients", (number + 1) / count)


def read_patient(bank: Path, number: int, shown: Shown) -> HeldOutPatient:
    """A patient that `make_patients` has made, as scanners show it: noise, bias, thick slices, cut fields.

    Args:
        bank: folder of banks.
        number: of the patient.
        shown: as what.
    """
    rng = np.random.default_rng([TEST_SEED, number])
    pair = read_started(_folder(bank, shown), TEST_SEED, first_pair(number), shown.start)
    batch = make_batch(rng, pair, shown.size, shown.sequence, scanner_effects=True)
    return HeldOutPatient(number, batch, shown.spacing_mm)


def held_out_patients(bank: Path, count: int, shown: Shown) -> Iterator[Patient[HeldOutPatient]]:
    """The patients of a study."""
    for number in range(count):
        yield Patient(f"patient-{number:03d}", partial(read_patient, bank, number, shown))


def _stored_size(shown: Shown) -> tuple[int, int, int]:
    x, y, z = (n + MARGIN for n in shown.size)
    return x, y, z


def _folder(bank: Path, shown: Shown) -> Path:
    x, y, z = _stored_size(shown)
    return bank / f"edition{EDITION}-{ELASTIC}-{shown.spacing_mm:g}mm-{x}x{y}x{z}"
