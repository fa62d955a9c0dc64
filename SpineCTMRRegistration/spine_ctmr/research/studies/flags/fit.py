"""Choose the doubt rule on observations, and count what it says about others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ....quality.doubt import RULE, DoubtRule
from ....quality.flags import LIMITS, Flag, Limit, indicator_values, judge
from ....quality.spine_flags import judged_together, middle_of
from .observations import ACCURATE_MM, FAILED_MM, Observation, spines_of
from .patients import is_held_out

STIFFNESS = 2e-3
MISSED_SHARE, REFUSED_SHARE = 0.02, 0.01
"""Shares of failed vertebrae called good, and of accurate ones refused, that the rule is chosen for."""


def chosen_rule(observations: Sequence[Observation]) -> str:
    """The rule, and the limit of the bones' stretch, that the patients which choose would choose."""
    chosen = [o for o in observations if not is_held_out(o.region, o.patient)]
    errors = [o.tre_mm for o in chosen]
    if not (any(e < ACCURATE_MM for e in errors) and any(e > FAILED_MM for e in errors)):
        return "Too few vertebrae to choose a rule; give more patients."
    return f"{fit_rule(chosen)}\n{fit_stretch_limit(chosen)}"


def fit_rule(observations: Sequence[Observation]) -> DoubtRule:
    """Non-negative logistic weights that tell failed from other vertebrae, both classes counting alike.

    Vertebrae between 1 and 2 mm teach nothing. The thresholds leave 2 % of the failed vertebrae good and
    refuse 1 % of the accurate ones.
    """
    values = np.array([indicator_values(o.row) for o in observations])
    tre = np.array([o.tre_mm for o in observations])
    accurate, failed = tre < ACCURATE_MM, tre > FAILED_MM
    typical = np.nanmedian(values[accurate], 0)
    indicators = [
        replace(s, typical=round(float(t), 3)) for s, t in zip(RULE.indicators, typical, strict=True)
    ]
    changes = np.array([[s.change(v) for s, v in zip(indicators, row, strict=True)] for row in values])
    taught = (tre < 1) | failed
    offset, *weights = _logistic(changes[taught], failed[taught])
    indicators = [replace(s, weight=round(float(w), 2)) for s, w in zip(indicators, weights, strict=True)]
    rule = DoubtRule(tuple(indicators), round(float(offset), 2), 0.0, 0.0)
    doubt = np.array([rule.doubt(row) for row in values])
    good_below = float(np.quantile(doubt[failed], MISSED_SHARE))
    refuse_above = max(float(np.quantile(doubt[accurate], 1 - REFUSED_SHARE)), good_below)
    return replace(rule, good_below=round(good_below, 2), refuse_above=round(refuse_above, 2))


def fit_stretch_limit(observations: Sequence[Observation]) -> float:
    """The smallest multiple of 0.05 mm above the median stretches of all mostly accurate registrations.

    A missed wrong patient is worse than a spine of sick vertebrae that is not believed.
    """
    accurate = [s.members for s in spines_of(observations) if s.is_accurate]
    largest = max(middle_of([o.row for o in members], "stretch_mm") for members in accurate)
    return math.ceil(largest / 0.05) * 0.05


def _logistic(changes: NDArray[Any], failed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Offset and non-negative weights of a logistic regression with balanced classes and a small ridge."""
    share = np.where(failed, 0.5 / failed.sum(), 0.5 / (~failed).sum())
    sign = np.where(failed, -1.0, 1.0)

    def loss(parameters: NDArray[Any]) -> float:
        score = parameters[0] + changes @ parameters[1:]
        ridge = STIFFNESS * float(np.square(parameters[1:]).sum())
        return float((share * np.logaddexp(0, sign * score)).sum()) + ridge

    count = changes.shape[1]
    first = np.concatenate([[-1.0], np.full(count, 0.5)])
    found = minimize(loss, first, bounds=[(None, None), *[(0, None)] * count], method="L-BFGS-B")
    return np.asarray(found.x, np.float64)


def flags_of(
    observations: Sequence[Observation], rule: DoubtRule = RULE, limits: Sequence[Limit] = LIMITS
) -> list[Flag]:
    """The flags that the software gives these vertebrae, registration by registration."""
    flags: list[Flag] = []
    for spine in spines_of(observations):
        rows = [replace(o.row, flag=judge(o.row, rule, limits)[0]) for o in spine.members]
        judged, _ = judged_together(rows, "cranial", spine.members[0].side_ratio)
        flags += [row.flag for row in judged]
    return flags


def doubts_of(observations: Sequence[Observation], rule: DoubtRule = RULE) -> NDArray[np.float64]:
    """The doubt about each vertebra."""
    return np.array([rule.doubt(indicator_values(o.row, rule)) for o in observations])
