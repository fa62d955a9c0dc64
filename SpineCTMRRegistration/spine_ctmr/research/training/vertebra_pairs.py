"""Training pairs of single vertebrae of different synthetic subjects (Gao and Zheng 2022, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...network.preprocessing import scale_ct
from ...phantoms.patient import EDITION
from ...phantoms.single_vertebra import SingleVertebra, stored_vertebra
from ...progress import Progress, silent
from .batch import Batch, concatenated
from .recipe import Recipe
from .vertebra_options import VertebraOptions
from .workers import process_number

TRAINING_SEED, VALIDATION_SEED, PAIRING_SEED = 200, 201, 202


@dataclass(frozen=True)
class VertebraPairs:
    """Batches of pairs, each a pure function of (seed, step).

    Fixed and moving image are CT, with the vertebra's centroid in the middle. Intensities are scaled to
    [0, 1] and are 0 outside the bone; the paper multiplies by the labels as well and is silent about the
    scale. Labels are the vertebra's number. The true motion does not exist.

    Attributes:
        bank: folder of the vertebrae; what it lacks is made when it is needed.
        options: which vertebrae.
        crop: voxels (x, y, z).
        spacing_mm: of the isotropic grid.
        batch: samples per step.
        seed: of the order.
    """

    bank: Path
    options: VertebraOptions
    crop: tuple[int, int, int]
    spacing_mm: float
    batch: int = 1
    seed: int = 0

    @property
    def description(self) -> str:
        """See `TrainingData`."""
        options = self.options
        return (
            f"Single vertebrae of synthetic subjects alone: {options.pairs} pairs of {options.subjects} "
            f"subjects, {options.held_out} further subjects held out"
        )

    def sample(self, step: int) -> Batch:
        """The batch of a training step."""
        rng = np.random.default_rng([self.seed, step])
        numbers = rng.integers(self.options.pairs, size=self.batch)
        return concatenated([self._pair(TRAINING_SEED, *self.pairing(int(n))) for n in numbers])

    def validation(self) -> Sequence[Batch]:
        """At every level each held-out subject with the next one."""
        count = self.options.held_out
        return [
            self._pair(VALIDATION_SEED, level, subject, (subject + 1) % count)
            for level in self.options.levels
            for subject in range(count)
        ]

    def pairing(self, number: int) -> tuple[int, int, int]:
        """Level, fixed and moving subject of a training pair: every vertebra is fixed equally often."""
        levels, subjects = self.options.levels, self.options.subjects
        fixed = number // len(levels) % subjects
        further = np.random.default_rng([PAIRING_SEED, number]).integers(1, subjects)
        return levels[number % len(levels)], fixed, (fixed + int(further)) % subjects

    def make(self, progress: Progress = silent) -> None:
        """Make all vertebrae; processes of one training make different ones."""
        rank, processes = process_number()
        counts = ((TRAINING_SEED, self.options.subjects), (VALIDATION_SEED, self.options.held_out))
        wanted = [(seed, k, level) for seed, n in counts for k in range(n) for level in self.options.levels]
        for done, key in enumerate(mine := wanted[rank::processes]):
            self._vertebra(*key)
            progress("Making synthetic vertebrae", (done + 1) / len(mine))

    def _vertebra(self, seed: int, subject: int, level: int) -> SingleVertebra:
        return stored_vertebra(self.bank, seed, subject, level, self.crop, self.spacing_mm)

    def _pair(self, seed: int, level: int, fixed: int, moving: int) -> Batch:
        images, labels = zip(
            *(_tensors(self._vertebra(seed, subject, level), level) for subject in (fixed, moving)),
            strict=True,
        )
        return Batch(images[0], images[1], labels[1], torch.ones_like(images[0]), fixed_labels=labels[0])


def vertebra_pairs(recipe: Recipe, bank: Path, progress: Progress = silent) -> VertebraPairs:
    """The pairs of a recipe with the table [vertebrae]; vertebrae that the bank lacks are made first.

    Args:
        recipe: with the crop, spacing, batch and seed.
        bank: folder of banks; vertebrae of every edition, size and spacing have a subfolder of their own.
        progress: of the vertebrae that are made.
    """
    x, y, z = recipe.crop
    folder = bank / f"vertebrae-edition{EDITION}-{recipe.spacing_mm:g}mm-{x}x{y}x{z}"
    options = recipe.vertebrae or VertebraOptions()
    pairs = VertebraPairs(folder, options, recipe.crop, recipe.spacing_mm, recipe.batch, recipe.seed)
    pairs.make(progress)
    return pairs


def _tensors(vertebra: SingleVertebra, level: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Image and labels, both (1, 1, Z, Y, X)."""
    bone = torch.from_numpy(vertebra.bone)[None, None]
    return torch.from_numpy(scale_ct(vertebra.ct))[None, None] * bone, bone.long() * level
