"""The loss terms that recipes can name: each a function of an `Outcome`, its options as keywords."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..errors import InputError
from ..losses.dice import dice_loss
from ..losses.displacement import displacement_loss
from ..losses.mind import mind_loss
from ..losses.rigidity import orthonormality, properness, rigid_field
from ..losses.smoothness import diffusion
from ..tables import require, unknown_name
from .outcome import Outcome

EPSILON_MM = 2.0
"""Errors below this count quadratically, so that early training is not held at the median, zero."""


def _displacement(outcome: Outcome) -> Tensor:
    """Error of the displacement in mm, everywhere; needs the truth."""
    true = outcome.needed("displacement")
    return displacement_loss(outcome.displacement, true, outcome.weight, EPSILON_MM)


def _bone_displacement(outcome: Outcome) -> Tensor:
    """Error of the displacement in mm, in bone; needs the truth."""
    true = outcome.needed("displacement")
    return displacement_loss(outcome.displacement, true, outcome.weight * outcome.bone, EPSILON_MM)


def _smoothness(outcome: Outcome) -> Tensor:
    """Diffusion of the velocity field, or of the displacement where there is none."""
    motion = outcome.motion
    if motion.velocity is None:
        return diffusion(motion.displacement, outcome.spacing_mm)
    return diffusion(motion.velocity, motion.velocity_spacing_mm)


def _mind(outcome: Outcome, radius: int = 2, dilation: int = 2) -> Tensor:
    """MIND-SSC difference of the MR and the warped CT."""
    return mind_loss(outcome.fixed, outcome.warped, radius, dilation)


def _dice(outcome: Outcome) -> Tensor:
    """1 - Dice of the bone; needs labels of the MR."""
    return dice_loss(outcome.warp(outcome.batch.labels > 0), outcome.bone)


def _rigid_field(outcome: Outcome) -> Tensor:
    """Squared distance to the best rigid motion per vertebra, mm^2 (Jian et al. 2022, eq. 4)."""
    return rigid_field(outcome.displacement, outcome.warped_labels, outcome.spacing_mm)


def _properness(outcome: Outcome) -> Tensor:
    """(det J - 1)^2 per vertebra (Jian et al. 2022, eq. 6)."""
    return properness(outcome.displacement, outcome.warped_labels, outcome.spacing_mm)


def _orthonormality(outcome: Outcome) -> Tensor:
    """Squared Frobenius norm of J^T J - I per vertebra (Jian et al. 2022, eq. 7)."""
    return orthonormality(outcome.displacement, outcome.warped_labels, outcome.spacing_mm)


LOSSES: dict[str, Callable[..., Tensor]] = {
    "displacement": _displacement,
    "bone_displacement": _bone_displacement,
    "smoothness": _smoothness,
    "mind": _mind,
    "dice": _dice,
    "rigid_field": _rigid_field,
    "properness": _properness,
    "orthonormality": _orthonormality,
}


@dataclass(frozen=True)
class LossTerm:
    """A term of the training loss.

    Attributes:
        weight: its factor, above 0.
        options: keywords of its function in `LOSSES`.
    """

    weight: float
    options: Mapping[str, int | float] = field(default_factory=dict)


def loss_terms(table: Mapping[str, Any], prefix: str) -> dict[str, LossTerm]:
    """The terms with a weight above 0 of a table: `name = weight` or `name = {weight = ..., option = ...}`.

    Raises:
        InputError: a name or option is unknown, or a value unusable.
    """
    terms = {name: _term(name, value, prefix) for name, value in table.items()}
    return {name: term for name, term in terms.items() if term.weight > 0}


def loss_table(terms: Mapping[str, LossTerm]) -> dict[str, Any]:
    """The table that `loss_terms` reads."""
    return {
        name: {"weight": term.weight, **term.options} if term.options else term.weight
        for name, term in terms.items()
    }


def evaluate(terms: Mapping[str, LossTerm], outcome: Outcome) -> dict[str, Tensor]:
    """Unweighted values, scalars, of loss terms.

    Raises:
        InputError: the batch lacks what a term needs.
    """
    return {name: LOSSES[name](outcome, **term.options) for name, term in terms.items()}


def total(terms: Mapping[str, LossTerm], values: Mapping[str, Tensor]) -> Tensor:
    """The weighted sum of the values of `evaluate`."""
    return torch.stack([terms[name].weight * value for name, value in values.items()]).sum()


def _term(name: str, value: Any, prefix: str) -> LossTerm:
    key = prefix + name
    if name not in LOSSES:
        raise InputError(unknown_name(key, None, (prefix + known for known in LOSSES)))
    options = dict(value) if isinstance(value, dict) else {"weight": value}
    weight = options.pop("weight", 1.0)
    known = dict(inspect.signature(LOSSES[name]).parameters)
    known.pop("outcome")
    _require_number(weight, key)
    for option, given in options.items():
        if option not in known:
            raise InputError(
                unknown_name(f"{key}.{option}", None, [f"{key}.{k}" for k in ("weight", *known)])
            )
        _require_number(given, f"{key}.{option}")
        whole = isinstance(known[option].default, int)
        require(not whole or isinstance(given, int), f"{key}.{option}", "a whole number")
    return LossTerm(float(weight), options)


def _require_number(value: Any, key: str) -> None:
    good = type(value) in (int, float) and math.isfinite(value) and value >= 0
    require(good, key, "a number, 0 or more")
