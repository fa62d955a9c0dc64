"""What scanners, and what no painted tissue has, add: noise, bias, thick slices, cut fields of view."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from ..imaging.hounsfield import OUTSIDE_HU
from .tissue import ANY, SEQUENCES

Generator = np.random.Generator
Volume = NDArray[Any]


def mixed_sequence(rng: Generator, mr: Volume, sequence: str = ANY) -> Volume:
    """One MR (z, y, x) from the sequences (k, z, y, x): the wanted, else mostly one, sometimes a blend."""
    if sequence != ANY:
        return np.asarray(mr[SEQUENCES.index(sequence)], np.float32)
    share = np.zeros(len(SEQUENCES))
    share[rng.choice(len(SEQUENCES), p=[0.35, 0.3, 0.12, 0.08, 0.15])] = 1
    if rng.uniform() < 0.3:
        share = 0.5 * share + 0.5 * rng.dirichlet(np.ones(len(SEQUENCES)))
    return np.tensordot(share, mr.astype(np.float32), 1)


def thick_slices(
    rng: Generator, volume: Volume, spacing_mm: float, thickness_mm: tuple[float, float] = (3.0, 5.0)
) -> Volume:
    """Slices of random thickness along the last axis, linearly interpolated back to the grid."""
    thickness = max(rng.uniform(*thickness_mm) / spacing_mm, 1.0)
    count = volume.shape[-1]
    centers = np.arange(rng.uniform(0, thickness), count - 1, thickness)
    index = np.arange(count)
    profile = np.clip((thickness + 1) / 2 - np.abs(index[:, None] - centers), 0, 1)
    slices = volume @ (profile / profile.sum(0)).astype(np.float32)
    place = np.clip((index - centers[0]) / thickness, 0, len(centers) - 1)
    low = np.minimum(place.astype(int), max(len(centers) - 2, 0))
    share = (place - low).astype(np.float32)
    return slices[..., low] * (1 - share) + slices[..., np.minimum(low + 1, len(centers) - 1)] * share


def _axial(volume: Volume) -> Volume:
    """The volume (z, y, x) as (x, y, z), and back."""
    return volume.transpose(2, 1, 0)


def ringing(rng: Generator, volume: Volume) -> Volume:
    """Gibbs ringing along a random axis of (z, y, x): high frequencies are not measured, and set to zero."""
    axis = int(rng.integers(0, 3))
    spectrum = np.fft.rfft(volume, axis=axis)
    kept = max(int(rng.uniform(0.45, 0.85) * spectrum.shape[axis]), 2)
    np.moveaxis(spectrum, axis, 0)[kept:] = 0
    return np.fft.irfft(spectrum, volume.shape[axis], axis).astype(np.float32).clip(0)


def ghosts(rng: Generator, volume: Volume) -> Volume:
    """Faint copies along a random axis, as a pulsating or moving patient gives: (z, y, x)."""
    axis = int(rng.integers(0, 2))
    copies = int(rng.choice([2, 3, 4]))
    strength = float(rng.uniform(0.02, 0.1))
    ghost = sum(np.roll(volume, volume.shape[axis] * k // copies, axis) for k in range(1, copies))
    return volume + np.float32(strength) * ghost


def wrapped(rng: Generator, volume: Volume) -> tuple[Volume, Volume]:
    """A field of view too small along z or y: what lies outside folds in; and where it is, 1 or 0."""
    axis = int(rng.integers(0, 2))
    count = volume.shape[axis]
    cut = max(int(rng.uniform(0.04, 0.15) * count), 1)
    front = np.moveaxis(volume, axis, 0)
    kept = front[cut : count - cut].copy()
    strength = np.float32(rng.uniform(0.3, 1))
    kept[-cut:] += strength * front[:cut]
    kept[:cut] += strength * front[count - cut :]
    result, seen = np.zeros_like(front), np.zeros_like(front)
    result[cut : count - cut], seen[cut : count - cut] = kept, 1
    return np.moveaxis(result, 0, axis), np.moveaxis(seen, 0, axis)


def bias_field(rng: Generator, shape: tuple[int, ...]) -> Volume:
    """A smooth multiplicative field around 1, as surface coils give."""
    coarse = rng.normal(0, rng.uniform(0, 0.25), (3, 3, 3))
    return np.exp(zoom(coarse, [n / 3 for n in shape], order=1)).astype(np.float32)


def mottled(rng: Generator, volume: Volume, spacing_mm: float) -> Volume:
    """What tissue shows within itself and a painted one lacks: smooth variation of 1 to 4 mm, up to 12 %.

    The bodies of a real T1 MR vary by 9 and 15 % of their mean, mostly over 2 mm and more.
    """
    pattern = gaussian_filter(
        rng.standard_normal(volume.shape, dtype=np.float32), rng.uniform(1, 4) / spacing_mm, mode="wrap"
    )
    return volume * np.exp(pattern * np.float32(rng.uniform(0.03, 0.12) / pattern.std()))


def scanned_mr(rng: Generator, mr: Volume, spacing_mm: float, sequence: str = ANY) -> tuple[Volume, Volume]:
    """An MR as a scanner gives it, and where (1 or 0) it has a field of view; both (z, y, x)."""
    volume = mixed_sequence(rng, mr, sequence)
    if rng.uniform() < 0.5:
        volume = mottled(rng, volume, spacing_mm)
    orientation = rng.uniform()
    if orientation < 0.55:
        volume = thick_slices(rng, volume, spacing_mm)
    elif orientation < 0.75:
        volume = _axial(thick_slices(rng, _axial(volume), spacing_mm, (2.5, 7.0)))
    if rng.uniform() < 0.4:
        blur = rng.uniform(0.3, 0.7) / spacing_mm
        volume = gaussian_filter(volume, (blur, blur, 0))
    if rng.uniform() < 0.25:
        volume = ringing(rng, volume)
    if rng.uniform() < 0.15:
        volume = ghosts(rng, volume)
    folded, inside = wrapped(rng, volume) if rng.uniform() < 0.08 else (volume, np.float32(1))
    volume = folded * bias_field(rng, volume.shape)
    sigma = rng.uniform(0.005, 0.05)
    noise = rng.standard_normal((2, *volume.shape), dtype=np.float32) * sigma
    volume = np.hypot(volume + noise[0], noise[1])
    seen = field_of_view(rng, volume.shape) * inside
    return volume * seen, seen


def scanned_ct(rng: Generator, ct: Volume, spacing_mm: float) -> Volume:
    """A CT in HU as a scanner gives it, (z, y, x)."""
    volume = ct.astype(np.float32)
    if rng.uniform() < 0.3:
        volume = gaussian_filter(volume, rng.uniform(0.3, 0.8) / spacing_mm)
    noise = gaussian_filter(rng.standard_normal(volume.shape, dtype=np.float32), rng.uniform(0, 0.6))
    volume += noise * rng.uniform(5, 40)
    if rng.uniform() < 0.4:
        volume = _axial(thick_slices(rng, _axial(volume), spacing_mm, (1.5, 4.0)))
    return np.where(field_of_view(rng, volume.shape) > 0, volume, OUTSIDE_HU)


def field_of_view(rng: Generator, shape: tuple[int, ...]) -> Volume:
    """1 inside a field of view that sometimes ends inside the grid."""
    seen = np.ones(shape, np.float32)
    for axis in range(3):
        if rng.uniform() < 0.15:
            cut = int(rng.uniform(0.05, 0.3) * shape[axis])
            span = slice(0, cut) if rng.uniform() < 0.5 else slice(shape[axis] - cut, None)
            seen[tuple(span if a == axis else slice(None) for a in range(3))] = 0
    return seen
