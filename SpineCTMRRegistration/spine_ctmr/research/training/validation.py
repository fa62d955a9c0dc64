"""How good a network is on held-out pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from ..losses.displacement import weighted_mean
from .batch import TrainingData
from .loss_terms import evaluate, total
from .outcome import Outcome
from .recipe import Recipe
from .state import TrainingState, predicted_motion


@dataclass(frozen=True)
class Measures:
    """Quality on validation pairs; NaN where the data does not tell.

    Attributes:
        loss: the training loss.
        dice: mean Dice of the vertebrae of MR and warped CT, in [0, 1].
        bone_mm: mean length of the displacement's error in bone.
        soft_mm: the same elsewhere.
        zero_bone_mm: mean length of the true displacement in bone.
        zero_soft_mm: the same elsewhere.
    """

    loss: float
    dice: float = math.nan
    bone_mm: float = math.nan
    soft_mm: float = math.nan
    zero_bone_mm: float = math.nan
    zero_soft_mm: float = math.nan

    @property
    def score(self) -> float:
        """What the best network minimises.

        The mean error in mm of bone and soft tissue; where that is unknown 1 - Dice; else the loss.
        """
        error = (self.bone_mm + self.soft_mm) / 2
        return next(value for value in (error, 1 - self.dice, self.loss, math.inf) if math.isfinite(value))


def validate(recipe: Recipe, state: TrainingState, data: TrainingData, device: torch.device) -> Measures:
    """Measures of the averaged weights, mean over the validation batches."""
    model = state.model
    own = {name: value.detach().clone() for name, value in model.state_dict().items()}
    model.load_state_dict(state.average)
    model.eval()
    terms = recipe.terms_at(state.steps_done - 1)
    measures = []
    try:
        with torch.inference_mode():
            for batch in data.validation():
                there = batch.to(device)
                motion = predicted_motion(recipe, model, model, there)
                outcome = Outcome(there, motion, recipe.spacing_mm)
                measures.append(measure(outcome, total(terms, evaluate(terms, outcome))))
    finally:
        model.load_state_dict(own)
        model.train()
    return mean_measures(measures)


def measure(outcome: Outcome, loss: Tensor) -> Measures:
    """Measures of one batch."""
    batch = outcome.batch
    dice = math.nan if batch.fixed_labels is None else mean_dice(outcome)
    if batch.displacement is None or batch.fixed_labels is None:
        return Measures(float(loss), dice)
    true = outcome.needed("displacement")
    error = (outcome.displacement - true).norm(dim=1, keepdim=True)
    zero = true.norm(dim=1, keepdim=True)
    bone, soft = outcome.weight * outcome.bone, outcome.weight * (1 - outcome.bone)
    pairs = ((error, bone), (error, soft), (zero, bone), (zero, soft))
    return Measures(float(loss), dice, *(float(weighted_mean(value, where)) for value, where in pairs))


def mean_measures(measures: Sequence[Measures]) -> Measures:
    """Means over several batches, each over those where the value is known."""
    rows = torch.tensor([astuple(m) for m in measures], dtype=torch.float64)
    return Measures(*(float(v) for v in rows.nanmean(0)))


def mean_dice(outcome: Outcome) -> float:
    """Mean Dice over the vertebrae that the MR shows, of labels moved by the nearest voxel; NaN without."""
    fixed, warped = outcome.needed("fixed_labels"), outcome.warped_labels
    overlaps = []
    for a, b in zip(fixed, warped, strict=True):
        for label in a.unique().tolist():
            if label > 0:
                first, second = a == label, b == label
                overlaps.append(2 * float((first & second).sum()) / float(first.sum() + second.sum()))
    return sum(overlaps) / len(overlaps) if overlaps else math.nan
