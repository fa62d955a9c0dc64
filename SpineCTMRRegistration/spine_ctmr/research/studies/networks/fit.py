"""How far a network fits pairs that it learned from, and what its losses, as weighted, say of the truth."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import linregress
from torch import Tensor

from ...training.batch import Batch
from ...training.loss_terms import LossTerm, evaluate, total
from ...training.outcome import Outcome
from ...training.run_log import read_log
from ...training.state import predicted_motion
from ...training.validation import measure
from .methods import TrainedNetwork
from .trainings import BANK, Training, training_data

BATCHES = 12
"""Of the training, on which the fit is measured: those of its first steps."""
FEWEST_STEPS = 100
"""Of a run whose loss may be said to fall or not."""
FILE = "fit.json"
"""In the run's folder, where a fit is kept."""


@dataclass(frozen=True)
class Fit:
    """One network on batches that it learned from; lists have a value for each.

    Attributes:
        steps: that it had learned.
        still: error in bone in mm without motion, or 1 - Dice where the true displacement is not known.
        moved: the same by the network.
        loss_still: the weighted sum of the losses without motion; NaN where the truth is not known.
        loss_moved: by the network.
        loss_true: by the true motion; as smooth as its displacement.
    """

    steps: int
    still: list[float]
    moved: list[float]
    loss_still: list[float]
    loss_moved: list[float]
    loss_true: list[float]

    def difference(self, of: str, less: str) -> NDArray[np.float64]:
        """Paired, (n,): one attribute less another."""
        values = asdict(self)
        return np.array(values[of], float) - np.array(values[less], float)


def measured_fit(training: Training, network: TrainedNetwork, output: Path) -> Fit:
    """The fit of a run, kept beside its checkpoint until that learns on.

    Args:
        training: of the study.
        network: as its run has it.
        output: folder of the study, with the training patients.
    """
    path = output / training.recipe.name / FILE
    if path.exists():
        kept = Fit(**json.loads(path.read_text(encoding="utf-8")))
        if kept.steps == network.steps:
            return kept
    data = training_data(training.recipe, output / BANK)
    rows = [_fit(network, data.sample(step)) for step in range(BATCHES)]
    fit = Fit(network.steps, **{key: [row[key] for row in rows] for key in rows[0]})
    path.write_text(json.dumps(asdict(fit)), encoding="utf-8")
    return fit


@torch.no_grad()
def _fit(network: TrainedNetwork, batch: Batch) -> dict[str, float]:
    recipe, model = network.recipe, network.model
    motion = predicted_motion(recipe, model, model, batch)
    moved = Outcome(batch, motion, recipe.spacing_mm)
    still = _moved_by(moved, torch.zeros_like(motion.displacement))
    terms = {**recipe.loss, **recipe.rigidity}
    found = {"still": _error(still), "moved": _error(moved)}
    losses = dict.fromkeys(("loss_still", "loss_moved", "loss_true"), math.nan)
    if batch.displacement is not None:
        true = _moved_by(moved, moved.needed("displacement"))
        losses = {
            "loss_still": _loss(terms, still),
            "loss_moved": _loss(terms, moved),
            "loss_true": _loss(terms, true),
        }
    return found | losses


def _moved_by(outcome: Outcome, displacement: Tensor) -> Outcome:
    motion = replace(outcome.motion, displacement=displacement, velocity=None, affine=None)
    return Outcome(outcome.batch, motion, outcome.spacing_mm)


def _error(outcome: Outcome) -> float:
    measures = measure(outcome, torch.tensor(math.nan))
    return measures.bone_mm if math.isfinite(measures.bone_mm) else 1 - measures.dice


def _loss(terms: Mapping[str, LossTerm], outcome: Outcome) -> float:
    return float(total(terms, evaluate(terms, outcome)))


def loss_trend(run: Path) -> tuple[float, float]:
    """Change of the training loss in 100 steps over the last half of a run, and its standard error.

    As a share of its mean size there; NaN of fewer than `FEWEST_STEPS`: every step has other patients, on
    whom the loss depends as much as on the weights.
    """
    rows: list[dict[str, Any]] = read_log(run / "steps.csv")
    rows = rows[len(rows) // 2 :]
    if 2 * len(rows) < FEWEST_STEPS:
        return math.nan, math.nan
    steps, losses = (np.array([float(row[key]) for row in rows]) for key in ("step", "loss"))
    line = linregress(steps, losses)
    scale = 100 / np.abs(losses).mean()
    return float(line.slope * scale), float(line.stderr * scale)
