"""Distance between a predicted and a known displacement field."""

from __future__ import annotations

import torch
from torch import Tensor


def charbonnier(error: Tensor, epsilon_mm: float = 0.1) -> Tensor:
    """Robust length (B, 1, Z, Y, X) in mm of vectors (B, 3, Z, Y, X): sqrt(|e|^2 + eps^2) - eps.

    Quadratic below `epsilon_mm`, linear above (Charbonnier et al. 1994).
    """
    return torch.sqrt(error.square().sum(1, keepdim=True) + epsilon_mm**2) - epsilon_mm


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean of values under non-negative weights of the same shape; 0 where all weights are 0."""
    total = weight.sum()
    return (values * weight).sum() / total.clamp(min=torch.finfo(values.dtype).tiny)


def displacement_loss(predicted: Tensor, true: Tensor, weight: Tensor, epsilon_mm: float = 0.1) -> Tensor:
    """Weighted mean Charbonnier distance in mm of two displacements (B, 3, Z, Y, X).

    Args:
        predicted: in mm along the grid's axes.
        true: the same.
        weight: (B, 1, Z, Y, X), 0 where the truth is unknown.
        epsilon_mm: where the distance turns from quadratic to linear.
    """
    return weighted_mean(charbonnier(predicted - true, epsilon_mm), weight)
