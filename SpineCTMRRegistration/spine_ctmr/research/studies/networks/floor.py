"""How far below 1 the rigid DSC of a perfect rigid motion lies, because masks are kept on a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....geometry.pose import Pose
from ....network.integration import voxel_indices, warp
from ...losses.rigid_dice import closest_rigid_mask
from ...losses.rigidity import vertebrae

TURN_DEG, SHIFT_MM = 5.0, 4.0
"""Standard deviations of the motions along every axis."""
MARGIN = 6
"""Voxels around a vertebra."""


@dataclass(frozen=True)
class Floor:
    """Rigid DSC of vertebrae moved by perfect rigid motions.

    Attributes:
        nearest: moved labels keep the nearest voxel.
        twice: labels were resampled once before, by the rigid start, then moved with linear interpolation;
            the closest rigid motion of the labels as they were before both.
    """

    nearest: NDArray[np.float64]
    twice: NDArray[np.float64]


def rigid_dsc_floor(labels: Sequence[Tensor], spacing_mm: float, seed: int = 0) -> Floor:
    """Measure it on label maps (1, 1, Z, Y, X): a motion for every vertebra that the border leaves whole."""
    rng = np.random.default_rng(seed)
    found = [_overlaps(mask, spacing_mm, rng) for volume in labels for mask in _whole(volume)]
    nearest, twice = np.array(found).reshape(-1, 2).T
    return Floor(nearest, twice)


def _whole(labels: Tensor) -> list[Tensor]:
    """Masks (1, 1, z, y, x) of the vertebrae away from the border, with a margin."""
    masks = []
    for _, inside in vertebrae(labels):
        places = inside.nonzero()
        low, high = places.amin(0) - MARGIN, places.amax(0) + MARGIN + 1
        if bool((low >= 0).all()) and bool((high <= torch.tensor(inside.shape)).all()):
            box = [slice(int(a), int(b)) for a, b in zip(low, high, strict=True)]
            masks.append(inside[box[0], box[1], box[2]].float()[None, None])
    return masks


def _overlaps(mask: Tensor, spacing_mm: float, rng: np.random.Generator) -> tuple[float, float]:
    """Dice with the closest rigid motion, of a mask moved by the nearest voxel and of one moved twice."""
    first, second = (_random_motion(mask, spacing_mm, rng) for _ in range(2))
    nearest = warp(mask, first, spacing_mm, "nearest")
    start = (warp(mask, first, spacing_mm) > 0.5).float()
    return _rigid_dsc(mask, nearest, first, spacing_mm), _rigid_dsc(
        mask, warp(start, second, spacing_mm), second + warp(first, second, spacing_mm), spacing_mm
    )


def _rigid_dsc(mask: Tensor, moved: Tensor, field: Tensor, spacing_mm: float) -> float:
    points = (voxel_indices(moved.shape[2:], moved) * spacing_mm).reshape(-1, 3)
    rigid_mask = closest_rigid_mask(mask, moved, points, field, spacing_mm)
    a, b = moved > 0.5, rigid_mask > 0.5
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def _random_motion(mask: Tensor, spacing_mm: float, rng: np.random.Generator) -> Tensor:
    """Displacement (1, 3, z, y, x) in mm of a rigid motion about the middle, small against the margin."""
    points = (voxel_indices(mask.shape[2:], mask) * spacing_mm).numpy().astype(float)
    center = points.reshape(-1, 3).mean(0)
    shift = np.clip(rng.normal(0, SHIFT_MM, 3), -2 * spacing_mm, 2 * spacing_mm)
    motion = Pose.from_rotation(np.radians(rng.normal(0, TURN_DEG, 3)), shift, center)
    return torch.from_numpy(motion.apply(points) - points).float().permute(3, 0, 1, 2)[None]
