"""The training loss and the validation errors of one batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache

from torch import Tensor

from ..losses.dice import dice_loss
from ..losses.displacement import displacement_loss, weighted_mean
from ..losses.mind import mind_loss
from ..losses.rigidity import orthonormality, properness, rigid_field
from ..losses.smoothness import diffusion
from ..network.integration import displacement_of, warp
from .batch import Batch
from .recipe import LossWeights

EPSILON_MM = 2.0
"""Errors below this count quadratically, so that early training is not held at the median, zero."""


def loss_terms(velocity: Tensor, batch: Batch, spacing_mm: float, weights: LossWeights) -> dict[str, Tensor]:
    """Unweighted loss terms, scalars, of those with a weight above 0.

    Args:
        velocity: (B, 3, Z/2, Y/2, X/2) in mm, the network's output.
        batch: what the output is compared with.
        spacing_mm: of the batch's grid.
        weights: which terms are wanted.
    """
    predicted = displacement_of(velocity, spacing_mm)
    known, in_bone = batch.weight, batch.weight * batch.bone

    @cache
    def labels() -> Tensor:
        """Vertebra labels (B, 1, Z, Y, X) in the MR frame, pulled through the predicted field."""
        return warp(batch.labels.to(predicted.dtype), predicted.detach(), spacing_mm, "nearest")

    terms: dict[str, Callable[[], Tensor]] = {
        "displacement": lambda: displacement_loss(predicted, batch.displacement, known, EPSILON_MM),
        "bone_displacement": lambda: displacement_loss(predicted, batch.displacement, in_bone, EPSILON_MM),
        "smoothness": lambda: diffusion(velocity, 2 * spacing_mm),
        "mind": lambda: mind_loss(batch.fixed, warp(batch.moving, predicted, spacing_mm)),
        "dice": lambda: dice_loss(
            warp((batch.labels > 0).to(predicted.dtype), predicted, spacing_mm), batch.bone
        ),
        "rigid_field": lambda: rigid_field(predicted, labels(), spacing_mm),
        "properness": lambda: properness(predicted, labels(), spacing_mm),
        "orthonormality": lambda: orthonormality(predicted, labels(), spacing_mm),
    }
    return {name: terms[name]() for name, weight in asdict(weights).items() if weight > 0}


@dataclass(frozen=True)
class FieldErrors:
    """Mean length in mm of the displacement's error, and of the true displacement itself ("zero")."""

    bone_mm: float
    soft_mm: float
    zero_bone_mm: float
    zero_soft_mm: float

    @property
    def score_mm(self) -> float:
        """What the best network minimises: bone and soft tissue equally."""
        return (self.bone_mm + self.soft_mm) / 2


def field_errors(velocity: Tensor, batch: Batch, spacing_mm: float) -> FieldErrors:
    """Errors of the network's output on one batch."""
    error = (displacement_of(velocity, spacing_mm) - batch.displacement).norm(dim=1, keepdim=True)
    zero = batch.displacement.norm(dim=1, keepdim=True)
    bone, soft = batch.weight * batch.bone, batch.weight * (1 - batch.bone)
    pairs = ((error, bone), (error, soft), (zero, bone), (zero, soft))
    return FieldErrors(*(float(weighted_mean(value, where)) for value, where in pairs))
