"""Terms of a training loss: losses by name with their weights and options."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ...recipe_tables import require, unknown_name
from .loss_functions import LOSSES
from .outcome import Outcome

_LEAST = {"bins": 2, "dilation": 1, "window": 2}
"""Of options below which a loss does not depend on the motion."""


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
        least = _LEAST.get(option, 0)
        require(given >= least, f"{key}.{option}", f"at least {least}")
    return LossTerm(float(weight), options)


def _require_number(value: Any, key: str) -> None:
    good = type(value) in (int, float) and math.isfinite(value) and value >= 0
    require(good, key, "a number, 0 or more")
