"""Overlap of two masks."""

from __future__ import annotations

import torch
from torch import Tensor


def dice_loss(first: Tensor, second: Tensor) -> Tensor:
    """1 - Dice of soft masks (B, C, Z, Y, X) in [0, 1], mean over samples and channels.

    Dice is 2 sum(a b) / (sum a^2 + sum b^2) (Milletari et al. 2016), so that equal soft masks give 0.
    Channels empty in both masks count as equal.
    """
    axes = (2, 3, 4)
    size = first.square().sum(axes) + second.square().sum(axes)
    tiny = torch.finfo(first.dtype).tiny
    difference = (first - second).square().sum(axes)
    return (difference / size.clamp(min=tiny)).mean()


def overlap_loss(first: Tensor, second: Tensor, epsilon: float = 1e-7) -> Tensor:
    """1 - Dice of soft masks (B, C, Z, Y, X) in [0, 1] without squares, mean over samples and channels.

    Dice is 2 sum(a b) / (sum a + sum b + epsilon) (van Ulsen 2022, eq. 3.4); soft edges cost something even
    where the masks are equal.
    """
    axes = (2, 3, 4)
    size = first.sum(axes) + second.sum(axes)
    return 1 - (2 * (first * second).sum(axes) / (size + epsilon)).mean()


def masks_of_labels(labels: Tensor, numbers: Tensor) -> Tensor:
    """One mask (B, n, Z, Y, X), booleans, for each of the numbers (n,) in labels (B, 1, Z, Y, X)."""
    return labels == numbers.reshape(1, -1, 1, 1, 1)
