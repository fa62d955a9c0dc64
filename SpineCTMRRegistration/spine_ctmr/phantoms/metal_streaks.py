"""Streaks of metal on CT: beam hardening and photon starvation, reconstructed slice by slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

_METAL_HU = (2800.0, 6000.0)
_PIXEL_MM, _ANGLES = 2.0, 72


def add_streaks(rng: np.random.Generator, ct: NDArray[Any], spacing_mm: float) -> NDArray[Any]:
    """A CT (z, y, x) in HU with the streaks that its metal throws in its own axial slices.

    The error of a projection with the metal's length p is taken as -p²: a scanner that assumes one
    energy underestimates p (Brooks and Di Chiro 1976). Noise grows with p. Both pass the ramp filter
    and the back projection as any projection does.

    Args:
        rng: chooses the strength and the noise.
        ct: not yet clipped to the scanner's scale: metal lies above it.
        spacing_mm: of the pixels in a slice.
    """
    low, high = _METAL_HU
    metal = ((ct - low) / (high - low)).clip(0, 1).astype(np.float32)
    strength = float(rng.uniform(150, 450))
    hit = np.flatnonzero(metal.any((1, 2)))
    if not len(hit):
        return ct
    slices = torch.from_numpy(metal[hit])[None]
    shape = [max(round(n * spacing_mm / _PIXEL_MM), 8) for n in ct.shape[1:]]
    small = F.interpolate(slices, shape, mode="area")
    error = _back_projected(_error(rng, _projections(small)), small.shape)
    level = error[small < 0.01].abs().quantile(0.98) if error.numel() < 1 << 24 else error.abs().max() / 4
    streaks = F.interpolate(error * (strength / level.clamp(min=1e-6)), ct.shape[1:], mode="bilinear")
    result = ct.astype(np.float32)
    result[hit] += streaks[0].clamp(-700, 900).numpy() * (1 - metal[hit])
    return result


def _rotated(angle: float, shape: torch.Size) -> torch.Tensor:
    """Sampling places (1, n, n, 2) of a square of n pixels turned by an angle over (1, s, y, x)."""
    ny, nx = shape[-2:]
    n = int(np.ceil(np.hypot(ny, nx)))
    along = torch.linspace(-(n - 1) / 2, (n - 1) / 2, n)
    v, u = torch.meshgrid(along, along, indexing="ij")
    c, s = float(np.cos(angle)), float(np.sin(angle))
    return torch.stack([(c * u - s * v) * 2 / nx, (s * u + c * v) * 2 / ny], -1)[None]


def _projections(slices: torch.Tensor) -> torch.Tensor:
    """Lengths of metal in mm (angles, s, n) along parallel rays through slices (1, s, y, x)."""
    angles = np.arange(_ANGLES) * np.pi / _ANGLES
    rays = [
        F.grid_sample(slices, _rotated(a, slices.shape), align_corners=False).sum(2)[0] * _PIXEL_MM
        for a in angles
    ]
    return torch.stack(rays)


def _error(rng: np.random.Generator, lengths: torch.Tensor) -> torch.Tensor:
    noise = torch.from_numpy(rng.standard_normal(lengths.shape, dtype=np.float32))
    return -(lengths**2) + 0.5 * lengths**2 * noise


def _back_projected(projections: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Slices (1, s, y, x) from filtered parallel projections (angles, s, n)."""
    n = projections.shape[-1]
    ramp = torch.fft.rfftfreq(2 * n).abs()
    filtered = torch.fft.irfft(torch.fft.rfft(projections, 2 * n) * ramp, 2 * n)[..., :n]
    ny, nx = shape[-2:]
    y, x = torch.meshgrid(torch.arange(ny) - (ny - 1) / 2, torch.arange(nx) - (nx - 1) / 2, indexing="ij")
    total = torch.zeros(shape)
    for k, row in enumerate(filtered):
        angle = k * np.pi / _ANGLES
        place = float(np.cos(angle)) * x + float(np.sin(angle)) * y + (n - 1) / 2
        low = place.long().clamp(0, n - 2)
        share = place - low
        total[0] += row[:, low] * (1 - share) + row[:, low + 1] * share
    return total
