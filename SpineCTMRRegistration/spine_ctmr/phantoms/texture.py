"""Random textures: one periodic noise volume for each patient, sampled at many scales."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter

from .shapes import Vector

_SIZE = 48
_OCTAVES = ((0.8, 0.5), (1.6, 0.6), (3.2, 0.7))


@lru_cache(maxsize=4)
def _volume(seed: int, device: torch.device) -> torch.Tensor:
    """Three noises (1, 3, n, n, n) with unit variance whose last planes repeat the first."""
    rng = np.random.default_rng([4711, seed])
    total = np.zeros((3, _SIZE, _SIZE, _SIZE))
    for sigma, weight in _OCTAVES:
        octave = gaussian_filter(rng.normal(size=total.shape), (0, sigma, sigma, sigma), mode="wrap")
        total += weight * octave / octave.std()
    padded = np.pad((total / total.std()).clip(-2.5, 2.5), ((0, 0), *[(0, 1)] * 3), mode="wrap")
    return torch.tensor(padded[None], dtype=torch.float32, device=device)


def noise(p: torch.Tensor, seed: int, scale_mm: Vector, offset: Vector = (0.0, 0.0, 0.0)) -> torch.Tensor:
    """Three independent noises (3, n) in [-2.5, 2.5] with variance 1 at points (3, n) in mm.

    The finest details are about two `scale_mm` (x, y, z) wide.
    """
    where = torch.stack([(row / s + o) % _SIZE for row, s, o in zip(p, scale_mm, offset, strict=True)], -1)
    volume = _volume(seed, p.device)
    sampled = F.grid_sample(volume, where[None, None, None] * (2 / _SIZE) - 1, align_corners=True)
    return sampled.reshape(3, -1)
