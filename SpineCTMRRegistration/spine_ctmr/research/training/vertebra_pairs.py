"""Training pairs of single vertebrae of different subjects (Gao and Zheng 2022, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...network.preprocessing import scale_ct
from ...phantoms.patient import EDITION
from ...phantoms.single_vertebra import SingleVertebra, read_vertebra, stored_vertebra
from ...progress import Progress, silent, span
from .batch import Batch, concatenated, fingerprint
from .recipe import Recipe
from .vertebra_options import VertebraOptions
from .workers import process_number

TRAINING_SEED, VALIDATION_SEED, PAIRING_SEED, TEST_SEED = 200, 201, 202, 204
Vertebrae = Mapping[int, Sequence[Path]]
"""Files of vertebrae (`read_vertebra`) of different subjects, by level."""


@dataclass(frozen=True)
class VertebraPairs:
    """Batches of pairs, each a pure function of (seed, step).

    Fixed and moving image are CT, with the vertebra's centroid in the middle. Intensities are scaled to
    [0, 1] and are 0 outside the bone; the paper multiplies by the labels as well and is silent about the
    scale. Labels are the vertebra's number. The true motion does not exist.

    Attributes:
        training: to learn from.
        held_out: of further subjects, for validation.
        pairs: how many different pairs to learn from.
        origin: of the subjects, in words.
        batch: samples per step.
        seed: of the order.
    """

    training: Vertebrae
    held_out: Vertebrae
    pairs: int
    origin: str
    batch: int = 1
    seed: int = 0

    @property
    def description(self) -> str:
        """See `TrainingData`."""
        learned, kept = (max(map(len, part.values())) for part in (self.training, self.held_out))
        return (
            f"Single vertebrae of {self.origin}: {self.pairs} pairs of {learned} subjects, "
            f"{kept} further subjects held out"
        )

    @property
    def patients(self) -> str:
        """See `TrainingData`."""
        return fingerprint(
            *(
                {level: [(file.parent.name, file.name) for file in files] for level, files in part.items()}
                for part in (self.training, self.held_out)
            )
        )

    def sample(self, step: int) -> Batch:
        """The batch of a training step."""
        rng = np.random.default_rng([self.seed, step])
        numbers = rng.integers(self.pairs, size=self.batch)
        return concatenated([self._pair(int(n)) for n in numbers])

    def validation(self) -> Sequence[Batch]:
        """At every level each held-out subject with the next one."""
        return [
            pair_of(level, fixed, files[(k + 1) % len(files)])
            for level, files in self.held_out.items()
            for k, fixed in enumerate(files)
        ]

    def pairing(self, number: int) -> tuple[int, int, int]:
        """Level, fixed and moving subject of a training pair: every vertebra is fixed equally often."""
        levels = list(self.training)
        level = levels[number % len(levels)]
        subjects = len(self.training[level])
        fixed = number // len(levels) % subjects
        further = np.random.default_rng([PAIRING_SEED, number]).integers(1, subjects)
        return level, fixed, (fixed + int(further)) % subjects

    def _pair(self, number: int) -> Batch:
        level, fixed, moving = self.pairing(number)
        files = self.training[level]
        return pair_of(level, files[fixed], files[moving])


def pair_of(level: int, fixed: Path, moving: Path) -> Batch:
    """A batch of two vertebrae of a level."""
    images, labels = zip(*(_tensors(read_vertebra(file), level) for file in (fixed, moving)), strict=True)
    return Batch(images[0], images[1], labels[1], torch.ones_like(images[0]), fixed_labels=labels[0])


def vertebra_pairs(recipe: Recipe, bank: Path, progress: Progress = silent) -> VertebraPairs:
    """The pairs of a recipe with the table [vertebrae]; synthetic vertebrae, kept in the bank.

    Args:
        recipe: with the crop, spacing, batch and seed.
        bank: folder of banks; vertebrae of every edition, size and spacing have a subfolder of their own.
        progress: of the vertebrae that are made.
    """
    options = recipe.vertebrae or VertebraOptions()
    rank, processes = process_number()
    first, second = span(progress, 0.0, 0.8), span(progress, 0.8, 1.0)
    for mine in (slice(rank, None, processes), slice(None)):  # processes of one training make different ones
        training = synthetic_vertebrae(recipe, bank, TRAINING_SEED, options.subjects, mine, first)
        held_out = synthetic_vertebrae(recipe, bank, VALIDATION_SEED, options.held_out, mine, second)
    origin = "synthetic subjects alone"
    return VertebraPairs(training, held_out, options.pairs, origin, recipe.batch, recipe.seed)


def synthetic_vertebrae(
    recipe: Recipe,
    bank: Path,
    seed: int,
    subjects: int,
    chosen: slice = slice(None),
    progress: Progress = silent,
) -> dict[int, list[Path]]:
    """Vertebrae of the synthetic subjects of a seed, at the recipe's levels; what the bank lacks is made.

    Args:
        recipe: with the levels, crop and spacing.
        bank: see `vertebra_pairs`.
        seed: of the subjects.
        subjects: how many there are.
        chosen: which of them.
        progress: of those that are made.
    """
    x, y, z = recipe.crop
    folder = bank / f"vertebrae-edition{EDITION}-{recipe.spacing_mm:g}mm-{x}x{y}x{z}"
    levels = (recipe.vertebrae or VertebraOptions()).levels
    files: dict[int, list[Path]] = {level: [] for level in levels}
    for done, subject in enumerate(mine := range(subjects)[chosen]):
        for level in levels:
            files[level].append(stored_vertebra(folder, seed, subject, level, recipe.crop, recipe.spacing_mm))
        progress("Making synthetic vertebrae", (done + 1) / len(mine))
    return files


def _tensors(vertebra: SingleVertebra, level: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Image and labels, both (1, 1, Z, Y, X)."""
    bone = torch.from_numpy(vertebra.bone)[None, None]
    return torch.from_numpy(scale_ct(vertebra.ct))[None, None] * bone, bone.long() * level
