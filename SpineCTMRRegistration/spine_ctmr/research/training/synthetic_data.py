"""Training batches of synthetic patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.ndimage import affine_transform

from ...errors import InputError
from ...geometry.pose import Pose
from ...phantoms.augmentation import mixed_sequence, scanned_ct, scanned_mr
from ...phantoms.bank import fill_bank, read_pair
from ...phantoms.patient import EDITION, Pair, parametric_anatomy
from ...phantoms.segmented_spines import SegmentedSpines, signature
from ...phantoms.tissue import ANY
from ...progress import Progress, silent, span
from .batch import Batch, concatenated
from .cropping import make_sample, random_window
from .recipe import START_ERRORS_MM, Recipe
from .workers import process_number

CACHE_BYTES = 2 << 30
"""Most memory for pairs that have been read."""
PAIR_BYTES_PER_VOXEL = 20
HELD_OUT_SHARE = 0.15
"""Of the label maps whose spines patients get."""
VALIDATION_SEED = 101
TRAINING_SEED = 100


def synthetic_patients(
    recipe: Recipe, bank: Path, progress: Progress = silent, maps: Sequence[Path] = ()
) -> SyntheticPatients:
    """The patients of a recipe; those that the bank lacks are made first.

    Processes of one training make different ones.

    Args:
        recipe: with the size, spacing and number of the pairs.
        bank: folder of banks; pairs of every edition, size, spacing and set of spines have a subfolder.
        progress: of the patients that are made.
        maps: vertebra label maps whose spines the patients get, those of some for validation alone; without
            any, the spines are parametric.
    """
    x, y, z = (n + recipe.data.margin for n in recipe.crop)
    folder = (
        bank / f"edition{EDITION}-{recipe.spacing_mm:g}mm-{x}x{y}x{z}{f'-{signature(maps)}' if maps else ''}"
    )
    rank, processes = process_number()
    counts = {TRAINING_SEED: recipe.data.pairs, VALIDATION_SEED: recipe.data.held_out}
    spines = dict(zip(counts, split_maps(maps), strict=True)) if maps else {}
    done, pairs = 0, sum(counts.values())
    for seed, count in counts.items():
        part = span(progress, done / pairs, (done + count) / pairs)
        anatomies = SegmentedSpines(spines[seed]) if maps else parametric_anatomy
        for mine in (range(rank, count, processes), range(count)):
            fill_bank(folder, seed, mine, (x, y, z), recipe.spacing_mm, part, anatomies)
        done += count
    data = SyntheticPatients(
        folder,
        recipe.data.pairs,
        recipe.data.held_out,
        recipe.crop,
        recipe.batch,
        recipe.seed,
        recipe.data.sequence,
        recipe.data.scanner_effects,
        recipe.data.start_errors_mm,
    )
    if maps:
        learned, held_out = (len(files) for files in spines.values())
        data.spines = f"; spines of {learned} label maps, of {held_out} others for validation"
    return data


def split_maps(maps: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Label maps to learn from, and at least one other for validation.

    Raises:
        InputError: there is only one.
    """
    if len(maps) < 2:
        raise InputError(f"'{maps[0]}' is the only label map; training needs one more for validation.")
    held_out = max(1, round(HELD_OUT_SHARE * len(maps)))
    return tuple(maps[:-held_out]), tuple(maps[-held_out:])


class SyntheticPatients:
    """Batches from banks of synthetic pairs, each a pure function of (seed, step).

    Args:
        bank: folder filled by `fill_bank` for both `TRAINING_SEED` and `VALIDATION_SEED`.
        count: training pairs to use, and `held_out` for validation.
        crop: voxels (x, y, z) of a training sample.
        batch: samples per step.
        seed: of the order, crops and scanner effects.
        sequence: of the MR; see `DataOptions`, as for the next two.
        scanner_effects: noise, bias, thick slices, cut fields of view.
        start_errors_mm: sizes of further errors of the rigid start.
    """

    def __init__(
        self,
        bank: Path,
        count: int,
        held_out: int,
        crop: tuple[int, int, int],
        batch: int = 1,
        seed: int = 0,
        sequence: str = ANY,
        scanner_effects: bool = True,
        start_errors_mm: tuple[float, ...] = START_ERRORS_MM,
    ) -> None:
        self.bank, self.count, self.held_out, self.crop = bank, count, held_out, crop
        self.batch, self.seed = batch, seed
        self.sequence, self.scanner_effects = sequence, scanner_effects
        self.start_errors_mm = start_errors_mm
        self.spines = ""
        kept = CACHE_BYTES // (PAIR_BYTES_PER_VOXEL * int(np.prod(crop)))
        self._read = lru_cache(maxsize=max(kept, 1))(read_pair)

    @property
    def description(self) -> str:
        """See `TrainingData`."""
        return (
            f"Synthetic patients alone: {self.count} pairs of seed {TRAINING_SEED}, "
            f"{self.held_out} of seed {VALIDATION_SEED} held out{self.spines}"
        )

    def sample(self, step: int) -> Batch:
        """The batch of a training step."""
        rng = np.random.default_rng([self.seed, step])
        batches = []
        for _ in range(self.batch):
            pair = self._read(self.bank, TRAINING_SEED, int(rng.integers(self.count)))
            moved = misaligned(rng, pair, self.start_errors_mm)
            batches.append(make_batch(rng, moved, self.crop, self.sequence, self.scanner_effects))
        return concatenated(batches)

    def validation(self) -> Sequence[Batch]:
        """The held-out batches."""
        pairs = (read_pair(self.bank, VALIDATION_SEED, i) for i in range(self.held_out))
        return [
            make_batch(np.random.default_rng([7, i]), pair, self.crop, self.sequence, self.scanner_effects)
            for i, pair in enumerate(pairs)
        ]


def misaligned(rng: np.random.Generator, pair: Pair, sizes_mm: tuple[float, ...] = START_ERRORS_MM) -> Pair:
    """The pair with its CT moved by another rigid start error of one of these sizes, half of the time."""
    if not sizes_mm or rng.uniform() < 0.5:
        return pair
    size = rng.choice(sizes_mm)
    center = (np.array(pair.ct.shape[::-1]) - 1) / 2 * pair.spacing_mm
    turn = np.radians(np.clip(rng.normal(0, 0.5 * size, 3), -10, 10))
    error = Pose.from_rotation(turn, np.clip(rng.normal(0, size / 1.7, 3), -15, 15), center)
    back = error.inverse.matrix[:3]
    flipped = back[::-1, [2, 1, 0]]
    offset = back[::-1, 3] / pair.spacing_mm
    nz, ny, nx = pair.ct.shape
    z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
    points = np.stack([x, y, z], -1) * pair.spacing_mm
    displacement = error.apply(points + pair.displacement.astype(float)) - points
    return replace(
        pair,
        ct=affine_transform(pair.ct.astype(np.float32), flipped, offset, order=1, cval=-1024),
        ct_labels=affine_transform(pair.ct_labels, flipped, offset, order=0),
        displacement=displacement.astype(np.float32),
    )


def make_batch(
    rng: np.random.Generator,
    pair: Pair,
    crop: tuple[int, int, int],
    sequence: str = ANY,
    scanner_effects: bool = True,
) -> Batch:
    """One crop of a pair as scanners would show it, or ideal ones; sometimes mirrored left to right."""
    window = random_window(rng, pair.ct.shape, crop)
    ct, signals = pair.ct[window].astype(np.float32), pair.mr[(slice(None), *window)]
    if scanner_effects:
        mr, seen = scanned_mr(rng, signals, pair.spacing_mm, sequence)
        ct = scanned_ct(rng, ct, pair.spacing_mm)
    else:
        mr, seen = mixed_sequence(rng, signals, sequence), np.ones(ct.shape, np.float32)
    mirrored = rng.uniform() < 0.5
    return make_sample(
        mr, ct, pair.ct_labels[window], seen, pair.displacement[window], pair.bone[window], mirrored
    )
