"""What the losses of a recipe say of the true motion, and of no motion: whether they can teach at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ....evaluation.markdown import header, line
from ....network.motion import Motion
from ...training.batch import Batch
from ...training.loss_terms import LossTerm, evaluate
from ...training.outcome import Outcome
from ...training.recipe import Recipe
from ..kernel import Method, Row, Values
from .held_out import HeldOutPatient
from .methods import voxels_across
from .results import rows_of
from .verdicts import is_lower

NAME = "losses-of-the-truth"
REGULARISERS = (
    *("smoothness", "laplacian", "magnitude", "deformation_smoothness", "bending_energy"),
    *("bone_bending_energy", "rigidity_penalty"),
)
"""Losses that look at the motion alone, of which no motion has the least."""


def truth_method(recipes: Sequence[Recipe]) -> Method[HeldOutPatient]:
    """A method whose values are the losses of both motions, for every loss of the recipes."""
    terms: dict[str, tuple[LossTerm, Recipe]] = {}
    for recipe in recipes:
        for name, term in recipe.loss.items():
            if name not in REGULARISERS:
                terms[f"{name}, {recipe.spacing_mm:g} mm"] = term, recipe
    return Method(NAME, "losses of the true motion", partial(_losses, terms))


def truth_table(rows: Sequence[Row]) -> list[str]:
    """Mean losses of both motions, and whether the true motion has less beyond chance."""
    found = rows_of(rows, NAME)
    if not found:
        return []
    lines = header(["loss of the images", "no motion", "true motion", "the true motion has less"])
    for name in found[0].values:
        still, true = np.array([row.values[name] for row in found]).T
        share = f"in {int((true < still).sum())} of {len(still)} patients"
        word = "yes" if is_lower(true - still) else "**more**" if is_lower(still - true) else "**no**"
        lines.append(line([name, f"{still.mean():.4g}", f"{true.mean():.4g}", f"{word}, {share}"]))
    return [
        "What the losses say of the test patients' true motion against none, on the networks' voxels; a loss "
        "that the true motion does not lower teaches something else:",
        "",
        *lines,
        "",
    ]


def _losses(terms: Mapping[str, tuple[LossTerm, Recipe]], patient: HeldOutPatient) -> Values:
    values = {}
    for name, (term, recipe) in terms.items():
        batch = coarse(patient.batch, voxels_across(recipe, patient.spacing_mm))
        loss = {name.partition(",")[0]: term}
        assert batch.displacement is not None
        pair = (torch.zeros_like(batch.displacement), batch.displacement)
        values[name] = [_loss(loss, batch, motion, recipe.spacing_mm) for motion in pair]
    return values


def _loss(terms: Mapping[str, LossTerm], batch: Batch, displacement: Tensor, spacing_mm: float) -> float:
    with torch.no_grad():
        return float(*evaluate(terms, Outcome(batch, Motion(displacement), spacing_mm)).values())


def coarse(batch: Batch, factor: int) -> Batch:
    """A batch on voxels so many times as wide: means of images and motion, labels of the middle voxel."""
    if factor == 1:
        return batch

    def change(values: Tensor) -> Tensor:
        if values.is_floating_point():
            return functional.avg_pool3d(values, factor)
        middle = slice(factor // 2, None, factor)
        return values[..., middle, middle, middle]

    return batch.map(change)
