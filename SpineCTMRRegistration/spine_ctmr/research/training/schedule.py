"""The optimiser, its learning rate, and weight averaging, as functions of the step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...recipe_tables import require

OPTIMISERS = ("adam", "sgd")
SCHEDULES = ("constant", "cosine", "exponential")


@dataclass(frozen=True)
class Optimisation:
    """How the weights are moved.

    Attributes:
        optimiser: "adam" or "sgd".
        momentum: of SGD.
        learning_rate: after the warm-up.
        warmup: steps of linear increase from 0.
        schedule: "constant"; "cosine" down to `final_learning_rate` at the last step; or "exponential":
            times `decay` every `decay_interval` steps.
        final_learning_rate: of the cosine.
        decay: factor of the exponential schedule.
        decay_interval: steps between two decays.
    """

    optimiser: str = "adam"
    momentum: float = 0.0
    learning_rate: float = 3e-4
    warmup: int = 0
    schedule: str = "cosine"
    final_learning_rate: float = 1e-6
    decay: float = 0.999
    decay_interval: int = 100

    def __post_init__(self) -> None:
        require(self.optimiser in OPTIMISERS, "optimisation.optimiser", " or ".join(OPTIMISERS))
        require(self.schedule in SCHEDULES, "optimisation.schedule", " or ".join(SCHEDULES))
        require(0 <= self.momentum < 1, "optimisation.momentum", "at least 0 and below 1")
        require(self.learning_rate > 0, "optimisation.learning_rate", "above 0")
        require(self.warmup >= 0, "optimisation.warmup", "0 or more")
        require(self.final_learning_rate >= 0, "optimisation.final_learning_rate", "0 or more")
        require(0 < self.decay <= 1, "optimisation.decay", "above 0 and at most 1")
        require(self.decay_interval > 0, "optimisation.decay_interval", "above 0")

    def build(self, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser of these weights."""
        if self.optimiser == "sgd":
            return torch.optim.SGD(weights, self.learning_rate, self.momentum)
        return torch.optim.Adam(weights, self.learning_rate)

    def rate_at(self, step: int, steps: int) -> float:
        """Learning rate of training step `step` of `steps`, counted from 0."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        if self.schedule == "constant":
            return self.learning_rate
        if self.schedule == "exponential":
            return self.learning_rate * self.decay ** (step // self.decay_interval)
        share = (step - self.warmup) / max(steps - 1 - self.warmup, 1)
        cosine = (1 + math.cos(math.pi * min(share, 1.0))) / 2
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * cosine


@torch.no_grad()
def update_average(average: dict[str, Tensor], model: nn.Module, decay: float, step: int) -> None:
    """Move the exponential moving average of a model's state in place.

    Early steps forget the initial weights faster. Buffers, such as the running statistics of batch
    normalisation, are averages already and are copied.
    """
    effective = min(decay, (1 + step) / (10 + step))
    weights = dict(model.named_parameters())
    for name, value in model.state_dict().items():
        if name in weights:
            average[name].lerp_(value, 1 - effective)
        else:
            average[name].copy_(value)
