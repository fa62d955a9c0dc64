"""MIND-SSC: a modality-independent description of each voxel's surroundings (Heinrich et al. 2013)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor
from torch.nn import functional

_NEIGHBOURS = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))
PAIRS = tuple(
    (a, b)
    for a, b in itertools.combinations(_NEIGHBOURS, 2)
    if sum((i - j) ** 2 for i, j in zip(a, b, strict=True)) == 2
)
"""The 12 pairs of (z, y, x) six-neighbours that are sqrt(2) apart: the self-similarity context."""


def mind_ssc(image: Tensor, radius: int = 2, dilation: int = 2) -> Tensor:
    """Self-similarity context (B, 12, Z, Y, X) in (0, 1] of an image (B, 1, Z, Y, X).

    Channel k is exp(-(D_k - min D) / V), D_k the mean squared difference of two patches around a voxel
    (eq. 3) and V the mean over channels of D_k - min D, limited to 0.001...1000 times its image mean.

    Args:
        image: any intensity unit; a * image + b gives the same description.
        radius: of a patch, in voxels.
        dilation: distance of the patches from the voxel, in voxels.
    """
    shape = image.shape[2:]
    padded = functional.pad(image, [dilation] * 6, mode="replicate")

    def shifted(offset: tuple[int, ...]) -> Tensor:
        z, y, x = (
            slice(dilation * (1 + o), dilation * (1 + o) + n) for o, n in zip(offset, shape, strict=True)
        )
        return padded[:, :, z, y, x]

    difference = torch.cat([(shifted(a) - shifted(b)).square() for a, b in PAIRS], 1)
    distance = box_mean(difference, 2 * radius + 1)
    distance = distance - distance.amin(1, keepdim=True)
    variance = distance.mean(1, keepdim=True)
    scale = max(variance.mean().item(), torch.finfo(image.dtype).tiny * 1e6)
    return torch.exp(-distance / variance.clamp(scale * 1e-3, scale * 1e3))


CACHED_CHANNELS = 4
"""Channels averaged at a time, so that what is added up stays in the processor's cache."""


def box_mean(values: Tensor, side: int) -> Tensor:
    """Mean over a box of `side` voxels (odd); values (B, C, Z, Y, X) continue with their border value."""
    parts = [_box_sum(part, side // 2) for part in values.split(CACHED_CHANNELS, 1)]
    return torch.cat(parts, 1).div_(side**3)


def _box_sum(values: Tensor, radius: int) -> Tensor:
    for axis in (2, 3, 4):
        count = values.shape[axis]
        total = values.clone()
        for shift in range(1, radius + 1):
            inside, border = max(count - shift, 0), min(shift, count)
            total.narrow(axis, count - inside, inside).add_(values.narrow(axis, 0, inside))
            total.narrow(axis, 0, border).add_(values.narrow(axis, 0, 1))
            total.narrow(axis, 0, inside).add_(values.narrow(axis, shift, inside))
            total.narrow(axis, inside, border).add_(values.narrow(axis, count - 1, 1))
        values = total
    return values
