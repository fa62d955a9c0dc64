"""The training loss and the validation errors of one batch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from torch import Tensor

from SpineCTMRRegistrationLib.errors import InputError
from SpineCTMRRegistrationLib.losses.displacement import displacement_loss, weighted_mean
from SpineCTMRRegistrationLib.losses.smoothness import diffusion
from SpineCTMRRegistrationLib.network.integration import displacement_of
from SpineCTMRRegistrationLib.training.batch import Batch
from SpineCTMRRegistrationLib.training.recipe import LossWeights

IMPLEMENTED = ("displacement", "bone_displacement", "smoothness")


def loss_terms(velocity: Tensor, batch: Batch, spacing_mm: float, weights: LossWeights) -> dict[str, Tensor]:
    """Unweighted loss terms, scalars, of those with a weight above 0.

    Args:
        velocity: (B, 3, Z/2, Y/2, X/2) in mm, the network's output.
        batch: what the output is compared with.
        spacing_mm: of the batch's grid.
        weights: which terms are wanted.
    """
    wanted = {name for name, weight in asdict(weights).items() if weight > 0}
    for name in wanted - set(IMPLEMENTED):
        raise InputError(f"the loss term '{name}' cannot be trained with yet; set its weight to 0.")
    predicted = displacement_of(velocity, spacing_mm)
    terms = {}
    if "displacement" in wanted:
        terms["displacement"] = displacement_loss(predicted, batch.displacement, batch.weight)
    if "bone_displacement" in wanted:
        in_bone = batch.weight * batch.bone
        terms["bone_displacement"] = displacement_loss(predicted, batch.displacement, in_bone)
    if "smoothness" in wanted:
        terms["smoothness"] = diffusion(velocity, 2 * spacing_mm)
    return terms


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
