"""A recipe of a few steps, and pairs of which a translation explains everything."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.loss_terms import loss_terms
from spine_ctmr.research.training.recipe import Recipe
from spine_ctmr.research.training.schedule import Optimisation

RECIPE = Recipe(
    "toy",
    crop=(16, 16, 16),
    steps=6,
    optimisation=Optimisation(learning_rate=1e-3, warmup=2),
    validation_interval=2,
    checkpoint_interval=2,
)

PLAIN = replace(
    RECIPE,
    steps=3,
    optimisation=Optimisation(optimiser="sgd", learning_rate=1e-3),
    loss=loss_terms({"displacement": 1.0, "smoothness": 0.1}, "loss."),
)
"""Without Adam, which would turn rounding errors of tiny gradients into whole steps."""


@dataclass
class Translations:
    """Random blobs moved by a random translation; a signal is sent when `signal_at` is sampled."""

    signal_at: int | None = None
    constant: bool = False
    patients: str = "those"
    description = "Random blobs"

    def sample(self, step: int) -> Batch:
        if step == self.signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        generator = torch.Generator().manual_seed(step)
        image = torch.rand(1, 1, 16, 16, 16, generator=generator)
        shift = torch.randn(1, 3, 1, 1, 1, generator=generator)
        if self.constant:
            shift = torch.tensor([3.0, -2.0, 1.0]).reshape(1, 3, 1, 1, 1)
        bone = torch.zeros_like(image)
        bone[..., 4:12] = 1
        displacement = shift.expand(1, 3, 16, 16, 16)
        return Batch(image, 1 - image, bone.long(), torch.ones_like(image), displacement, bone.long())

    def validation(self) -> Sequence[Batch]:
        return [replace(self).sample(999)]
