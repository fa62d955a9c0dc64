"""Synthetic patients on whom all networks are measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from torch.nn import functional

from ...imaging.grid import Grid
from ...progress import Progress, silent
from ...training.batch import Batch
from ...training.synthesis.bank import fill_bank, read_pair
from ...training.synthesis.patient import EDITION
from ...training.synthetic_data import make_batch
from ..ablation.run import TEST_SEED

SPACING_MM = 2.0
SIZE = (64, 64, 96)
"""Voxels (x, y, z) that are measured."""
MARGIN = 20
"""Voxels around them that only networks of unpadded convolutions see."""


@dataclass(frozen=True)
class HeldOutPatient:
    """One patient whom no training has seen.

    Attributes:
        number: from 0.
        wide: batch of one pair with `MARGIN` voxels on every side of what is measured.
    """

    number: int
    wide: Batch

    @cached_property
    def batch(self) -> Batch:
        """The batch of one pair that is measured."""
        return self.wide.map(lambda values: functional.pad(values, [-MARGIN] * 6))

    @property
    def grid(self) -> Grid:
        """Of `batch`, in mm along its axes."""
        return Grid(SIZE, (SPACING_MM,) * 3, (0.0, 0.0, 0.0))


def make_patients(bank: Path, count: int, progress: Progress = silent) -> None:
    """Make the patients that the bank lacks."""
    fill_bank(_folder(bank), TEST_SEED, range(count), _wide_size(), SPACING_MM, progress)


def read_patients(bank: Path, numbers: range) -> Iterator[HeldOutPatient]:
    """Patients that `make_patients` has made, as scanners would show them."""
    for number in numbers:
        rng = np.random.default_rng([TEST_SEED, number])
        pair = read_pair(_folder(bank), TEST_SEED, number)
        yield HeldOutPatient(number, make_batch(rng, pair, _wide_size()))


def _wide_size() -> tuple[int, int, int]:
    x, y, z = (n + 2 * MARGIN for n in SIZE)
    return x, y, z


def _folder(bank: Path) -> Path:
    x, y, z = _wide_size()
    return bank / f"edition{EDITION}-{SPACING_MM:g}mm-{x}x{y}x{z}"
