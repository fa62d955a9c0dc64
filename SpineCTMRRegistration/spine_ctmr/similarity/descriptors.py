"""MIND-SSC descriptors (Heinrich et al. 2013), dense on a grid and sparse at rotated points.

A descriptor has 12 channels, one for each pair of the six neighbours that are not opposite: the mean
squared difference of the 3x3x3 patches around the two neighbours, one grid step away from the point.
"""

from __future__ import annotations

from itertools import combinations, product

import torch
import torch.nn.functional as F

CHANNELS = 12
_NEIGHBOURS = torch.tensor([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
_PAIRS = [(i, j) for i, j in combinations(range(6), 2) if i // 2 != j // 2]
_PATCH = torch.tensor(list(product((-1, 0, 1), repeat=3)))


def _stencil() -> tuple[torch.Tensor, torch.Tensor]:
    """Grid offsets (m, 3) in (x, y, z) that a descriptor needs, and (6, 27) indices into them."""
    wanted = (_NEIGHBOURS[:, None] + _PATCH[None]).reshape(-1, 3)
    offsets, index = torch.unique(wanted, dim=0, return_inverse=True)
    return offsets, index.reshape(6, 27)


STENCIL, _STENCIL_INDEX = _stencil()
REACH = int(STENCIL.abs().max())
"""Grid steps from a point to the farthest intensity that its descriptor needs along an axis."""
PART = 30_000
"""Points described together: no other thread is woken for so few, which would take longer than the work."""


def _normalise(distances: torch.Tensor, floor: float) -> torch.Tensor:
    """Descriptors (..., 12) in (0, 1] from patch distances (..., 12)."""
    distances = distances - distances.amin(-1, keepdim=True)
    variance = distances.mean(-1, keepdim=True)
    return torch.exp(-distances / variance.clamp(floor, floor * 1e6))


def noise_floor(volume: torch.Tensor) -> float:
    """The smallest patch variance that counts as structure, from the differences in a volume."""
    steps = (volume[:, :, 1:] - volume[:, :, :-1]).flatten()
    sample = steps[:: max(1, steps.numel() // 100_000)]
    return max(float(sample.square().mean()) * 1e-3, 1e-12)


def dense(volume: torch.Tensor) -> torch.Tensor:
    """Descriptors (z, y, x, 12) of a volume (z, y, x)."""
    nz, ny, nx = volume.shape
    padded = F.pad(volume[None, None], (2,) * 6, mode="replicate")[0, 0]
    shifted = [
        padded[1 + z : 3 + z + nz, 1 + y : 3 + y + ny, 1 + x : 3 + x + nx] for x, y, z in _NEIGHBOURS.tolist()
    ]
    result = torch.empty((nz, ny, nx, CHANNELS), device=volume.device)
    for channel, (i, j) in enumerate(_PAIRS):
        result[..., channel] = _box_mean((shifted[i] - shifted[j]).square_())
    floor = noise_floor(volume)
    for part in result.split(16):
        part.copy_(_normalise(part, floor))
    return result


def _box_mean(volume: torch.Tensor) -> torch.Tensor:
    """Mean over 3x3x3, (z, y, x) of a volume with one voxel more on each side."""
    volume = volume[2:] + volume[1:-1] + volume[:-2]
    volume = volume[:, 2:] + volume[:, 1:-1] + volume[:, :-2]
    return (volume[..., 2:] + volume[..., 1:-1] + volume[..., :-2]) * (1 / 27)


def sparse(samples: torch.Tensor, floor: float) -> torch.Tensor:
    """Descriptors (..., 12) from intensities (..., m) at the offsets `STENCIL` around each point."""
    distances = samples.new_empty((samples.shape[:-1].numel(), CHANNELS))
    for part, result in zip(
        samples.reshape(-1, len(STENCIL)).split(PART), distances.split(PART), strict=True
    ):
        by_offset = part.T.contiguous()
        for channel, (i, j) in enumerate(_PAIRS):
            total = torch.zeros_like(by_offset[0])
            for first, second in zip(_STENCIL_INDEX[i].tolist(), _STENCIL_INDEX[j].tolist(), strict=True):
                difference = by_offset[first] - by_offset[second]
                total.addcmul_(difference, difference)
            result[:, channel] = total / len(_PATCH)
    return _normalise(distances, floor).reshape(*samples.shape[:-1], CHANNELS)
