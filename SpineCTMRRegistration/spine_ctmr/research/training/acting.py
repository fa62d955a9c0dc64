"""Refuses losses that no motion can change, before a training spends its time."""

from __future__ import annotations

import torch

from ...errors import InputError
from ...network.motion import Motion
from .batch import Batch, TrainingData
from .loss_terms import LossTerm, evaluate
from .outcome import Outcome
from .recipe import Recipe

SAMPLES = 16
"""Of the training, on which every loss must depend on the motion at least once."""


def require_losses_can_act(recipe: Recipe, margin: int, data: TrainingData) -> None:
    """Check every loss on the first samples.

    Args:
        recipe: with the losses.
        margin: voxels that the network's displacement lacks on every side.
        data: that would be learned from.

    Raises:
        InputError: a loss does not depend on the motion in any of the samples, such as one of whole
            vertebrae where every crop cuts them.
    """
    silent = {**recipe.loss, **recipe.rigidity}
    for step in range(SAMPLES):
        acting = _acting(silent, data.sample(step), margin, recipe.spacing_mm)
        silent = {name: term for name, term in silent.items() if name not in acting}
        if not silent:
            return
    x, y, z = recipe.crop
    raise InputError(
        f"The loss '{next(iter(silent))}' does not depend on the motion in any of the first {SAMPLES} "
        f"samples of {x} x {y} x {z} voxels; enlarge the crop so that it holds whole vertebrae, "
        "or remove the loss."
    )


def _acting(terms: dict[str, LossTerm], batch: Batch, margin: int, spacing_mm: float) -> set[str]:
    """The losses that depend on the motion of a batch."""
    inner = torch.Size(n - 2 * margin for n in batch.fixed.shape[2:])
    still = torch.zeros(len(batch.fixed), 3, *inner, requires_grad=True)
    motion = Motion(still, velocity=still, velocity_spacing_mm=spacing_mm, affine=still, margin=margin)
    values = evaluate(terms, Outcome(batch, motion, spacing_mm))
    return {name for name, value in values.items() if value.requires_grad}
