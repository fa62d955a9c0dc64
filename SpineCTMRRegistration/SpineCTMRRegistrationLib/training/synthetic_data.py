"""Training batches of synthetic patients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..network.preprocessing import scale_ct, scale_mr
from .batch import Batch
from .synthesis.augmentation import scanned_ct, scanned_mr
from .synthesis.bank import read_pair
from .synthesis.patient import Pair

VALIDATION_SEED = 101
TRAINING_SEED = 100


class SyntheticPatients:
    """Batches from banks of synthetic pairs, each a pure function of (seed, step).

    Args:
        bank: folder filled by `fill_bank` for both `TRAINING_SEED` and `VALIDATION_SEED`.
        count: training pairs to use, and `held_out` for validation.
        crop: voxels (x, y, z) of a training sample.
        seed: of the order, crops and scanner effects.
    """

    def __init__(
        self, bank: Path, count: int, held_out: int, crop: tuple[int, int, int], seed: int = 0
    ) -> None:
        self.bank, self.count, self.held_out, self.crop, self.seed = bank, count, held_out, crop, seed
        self._read = lru_cache(maxsize=64)(read_pair)

    def sample(self, step: int) -> Batch:
        """The batch of a training step."""
        rng = np.random.default_rng([self.seed, step])
        pair = self._read(self.bank, TRAINING_SEED, int(rng.integers(self.count)))
        return make_batch(rng, pair, self.crop)

    def validation(self) -> Sequence[Batch]:
        """The held-out batches."""
        return [
            make_batch(np.random.default_rng([7, i]), read_pair(self.bank, VALIDATION_SEED, i), self.crop)
            for i in range(self.held_out)
        ]


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
        displacement=torch.from_numpy(np.ascontiguousarray(field))[None],
        bone=(bone > 0).float(),
        weight=weight.float(),
        labels=labels.long(),
    )
