"""Synthetic patients on whom all networks are measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....geometry.grid import Grid
from ....phantoms.bank import fill_bank, read_pair
from ....phantoms.patient import EDITION
from ....progress import Progress, silent
from ...training.batch import Batch
from ...training.synthetic_data import make_batch
from ..ablation.run import TEST_SEED

SPACING_MM = 2.0
SIZE = (64, 64, 96)
"""Voxels (x, y, z) that are registered and measured."""
SEQUENCE = "GRE"
"""Of the MR: the thesis's patients all had a gradient echo of one scanner."""
MARGIN = 4
"""Voxels by which the stored pairs are larger, as in the trainings."""


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
    """Make the patients that the bank lacks."""
    fill_bank(_folder(bank), TEST_SEED, range(count), _stored_size(), SPACING_MM, progress)


def read_patients(bank: Path, numbers: range) -> Iterator[HeldOutPatient]:
    """Patients that `make_patients` has made, as scanners would show them."""
    for number in numbers:
        rng = np.random.default_rng([TEST_SEED, number])
        pair = read_pair(_folder(bank), TEST_SEED, number)
        yield HeldOutPatient(number, make_batch(rng, pair, SIZE, SEQUENCE, scanner_effects=False))


def _stored_size() -> tuple[int, int, int]:
    x, y, z = (n + MARGIN for n in SIZE)
    return x, y, z


def _folder(bank: Path) -> Path:
    x, y, z = _stored_size()
    return bank / f"edition{EDITION}-{SPACING_MM:g}mm-{x}x{y}x{z}"
