"""Learning rate and weight averaging as functions of the step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .recipe import Recipe


def learning_rate(recipe: Recipe, step: int) -> float:
    """Learning rate of training step `step`, counted from 0."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    if recipe.schedule == "exponential":
        return recipe.learning_rate * recipe.decay ** (step // recipe.decay_interval)
    share = (step - recipe.warmup) / max(recipe.steps - 1 - recipe.warmup, 1)
    cosine = (1 + math.cos(math.pi * min(share, 1.0))) / 2
    return recipe.final_learning_rate + (recipe.learning_rate - recipe.final_learning_rate) * cosine


@torch.no_grad()
def update_average(average: dict[str, Tensor], weights: dict[str, Tensor], decay: float, step: int) -> None:
    """Move the exponential moving average in place; early steps forget the initial weights faster."""
    effective = min(decay, (1 + step) / (10 + step))
    for name, value in weights.items():
        average[name].lerp_(value, 1 - effective)
