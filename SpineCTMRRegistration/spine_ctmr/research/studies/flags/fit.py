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
from ....quality.spine_flags import judged_together, mismatch_mm
from .observations import ACCURATE_MM, FAILED_MM, Observation, ObservedSpine, spines_of
from .patients import is_held_out
from .scenarios import ANOTHER_PATIENT

STIFFNESS = 2e-3
MISSED_SHARE, REFUSED_SHARE = 0.02, 0.01
"""Shares of failed vertebrae called good, and of accurate ones refused, that the rule is chosen for."""


def chosen_rule(observations: Sequence[Observation]) -> str:
    """The rule, and the limit of the mismatch, that the patients which choose would choose."""
    chosen = [o for o in observations if not is_held_out(o.region, o.patient)]
    errors = [o.tre_mm for o in chosen]
    if not (any(e < ACCURATE_MM for e in errors) and any(e > FAILED_MM for e in errors)):
        return "Too few vertebrae to choose a rule; give more patients."
    return f"{fit_rule(chosen)}\n{fit_mismatch_limit(chosen):.2f} mm of mismatch"


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


def fit_mismatch_limit(observations: Sequence[Observation]) -> float:
    """The middle, by ratio, between the mismatch of right spines and that of spines of different patients.

    Between the largest of all mostly accurate registrations and the smallest of those with another patient's
    MR; a multiple of 0.05 mm, NaN where one of them is missing.
    """
    spines = spines_of(observations)
    right = [_mismatch(s) for s in spines if s.is_accurate]
    other = [_mismatch(s) for s in spines if s.scenario == ANOTHER_PATIENT]
    return round(math.sqrt(max(right) * min(other)) / 0.05) * 0.05 if right and other else math.nan


def _mismatch(spine: ObservedSpine) -> float:
    return mismatch_mm([o.row for o in spine.members])


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
