"""Training batches of synthetic patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import affine_transform

from ..alignment import rigid
from ..network.preprocessing import scale_ct, scale_mr
from .batch import Batch, concatenated
from .synthesis.augmentation import scanned_ct, scanned_mr
from .synthesis.bank import read_pair
from .synthesis.patient import Pair

CACHED_PAIRS = 600
VALIDATION_SEED = 101
TRAINING_SEED = 100


class SyntheticPatients:
    """Batches from banks of synthetic pairs, each a pure function of (seed, step).

    Args:
        bank: folder filled by `fill_bank` for both `TRAINING_SEED` and `VALIDATION_SEED`.
        count: training pairs to use, and `held_out` for validation.
        crop: voxels (x, y, z) of a training sample.
        batch: samples per step.
        seed: of the order, crops and scanner effects.
    """

    def __init__(
        self,
        bank: Path,
        count: int,
        held_out: int,
        crop: tuple[int, int, int],
        batch: int = 1,
        seed: int = 0,
    ) -> None:
        self.bank, self.count, self.held_out, self.crop = bank, count, held_out, crop
        self.batch, self.seed = batch, seed
        self._read = lru_cache(maxsize=CACHED_PAIRS)(read_pair)

    def sample(self, step: int) -> Batch:
        """The batch of a training step."""
        rng = np.random.default_rng([self.seed, step])
        batches = []
        for _ in range(self.batch):
            pair = self._read(self.bank, TRAINING_SEED, int(rng.integers(self.count)))
            batches.append(make_batch(rng, misaligned(rng, pair), self.crop))
        return concatenated(batches)

    def validation(self) -> Sequence[Batch]:
        """The held-out batches."""
        return [
            make_batch(np.random.default_rng([7, i]), read_pair(self.bank, VALIDATION_SEED, i), self.crop)
            for i in range(self.held_out)
        ]


def misaligned(rng: np.random.Generator, pair: Pair) -> Pair:
    """The pair with its CT moved by another rigid start error, half of the time."""
    if rng.uniform() < 0.5:
        return pair
    size = rng.choice([2.0, 5.0, 9.0])
    center = (np.array(pair.ct.shape[::-1]) - 1) / 2 * pair.spacing_mm
    turn = np.radians(np.clip(rng.normal(0, 0.5 * size, 3), -10, 10))
    error = rigid.from_rotation(turn, np.clip(rng.normal(0, size / 1.7, 3), -15, 15), center)
    back = rigid.inverse(error)[:3]
    flipped = back[::-1, [2, 1, 0]]
    offset = back[::-1, 3] / pair.spacing_mm
    nz, ny, nx = pair.ct.shape
    z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
    points = np.stack([x, y, z], -1) * pair.spacing_mm
    displacement = rigid.apply(error, points + pair.displacement.astype(float)) - points
    return replace(
        pair,
        ct=affine_transform(pair.ct.astype(np.float32), flipped, offset, order=1, cval=-1024),
        ct_labels=affine_transform(pair.ct_labels, flipped, offset, order=0),
        displacement=displacement.astype(np.float32),
    )


def make_batch(rng: np.random.Generator, pair: Pair, crop: tuple[int, int, int]) -> Batch:
    """One crop of a pair as scanners would show it, sometimes mirrored left to right."""
    shape = crop[::-1]
    start = [int(rng.integers(n - c + 1)) for n, c in zip(pair.ct.shape, shape, strict=True)]
    window = tuple(slice(s, s + c) for s, c in zip(start, shape, strict=True))
    mr, seen = scanned_mr(rng, pair.mr[(slice(None), *window)], pair.spacing_mm)
    ct = scanned_ct(rng, pair.ct[window], pair.spacing_mm)
    arrays = [scale_mr(mr), scale_ct(ct), pair.bone[window], seen, pair.ct_labels[window]]
    field = np.moveaxis(pair.displacement[window].astype(np.float32), -1, 0)
    if rng.uniform() < 0.5:
        arrays = [a[..., ::-1] for a in arrays]
        field = field[..., ::-1] * np.array([-1, 1, 1], np.float32)[:, None, None, None]
    fixed, moving, bone, weight, labels = (
        torch.from_numpy(np.ascontiguousarray(a))[None, None] for a in arrays
    )
    return Batch(
        fixed=fixed.float(),
        moving=moving.float(),
        labels=labels.long(),
        weight=weight.float(),
        displacement=torch.from_numpy(np.ascontiguousarray(field))[None],
        fixed_labels=bone.long(),
    )
