"""Choose the doubt rule on observations, and count what it says about others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ....quality.doubt import RULE, DoubtRule
from ....quality.flags import (
    Flag,
    VertebraQuality,
    at_wrong_level,
    in_company,
    indicator_values,
    judge,
    middle_of,
    of_other_bones,
    other_bones,
)
from ....vertebrae.level_check import CLEARLY_BETTER
from .observations import ANOTHER_PATIENT, Observation

ACCURATE_MM, FAILED_MM = 0.5, 2.0
STIFFNESS = 2e-3
MISSED_SHARE, REFUSED_SHARE = 0.02, 0.01
"""Shares of failed vertebrae called good, and of accurate ones refused, that the rule is chosen for."""


def as_row(observation: Observation) -> VertebraQuality:
    """The quality row of an observation, not judged yet."""
    return VertebraQuality(
        name=observation.vertebra,
        number=0,
        match_ratio=observation.match_ratio,
        stretch_mm=observation.stretch_mm,
        level_ratio=observation.level_ratio,
        network_disagreement_mm=observation.network_mm,
        neighbour_disagreement_mm=observation.neighbour_mm,
        visible_share=observation.visible_share,
    )


def fit_rule(observations: Sequence[Observation]) -> DoubtRule:
    """Non-negative logistic weights that tell failed from other vertebrae, both classes counting alike.

    Vertebrae between 1 and 2 mm teach nothing. The thresholds leave 2 % of the failed vertebrae good and
    refuse 1 % of the accurate ones.
    """
    values = np.array([indicator_values(as_row(o)) for o in observations])
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
    accurate = [s.members for s in spines_of(observations) if s.is_measured and s.is_accurate]
    largest = max(middle_of([as_row(o) for o in members], "stretch_mm") for members in accurate)
    return math.ceil(largest / 0.05) * 0.05


@dataclass(frozen=True)
class ObservedSpine:
    """The vertebrae of one registration."""

    members: tuple[Observation, ...]

    @property
    def is_wrong(self) -> bool:
        """Whether the MR is another patient's."""
        return self.members[0].scenario == ANOTHER_PATIENT

    @property
    def is_accurate(self) -> bool:
        """Whether most of its vertebrae are within 2 mm."""
        return 2 * sum(o.tre_mm < FAILED_MM for o in self.members) > len(self.members)

    @property
    def is_measured(self) -> bool:
        """Whether the bones' stretches are known; the oldest observations lack them."""
        return any(np.isfinite(o.stretch_mm) for o in self.members)


def spines_of(observations: Sequence[Observation]) -> list[ObservedSpine]:
    """The observations, registration by registration."""
    groups = groupby(observations, key=lambda o: (o.patient, o.scenario))
    return [ObservedSpine(tuple(members)) for _, members in groups]


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


def flags_of(observations: Sequence[Observation], rule: DoubtRule = RULE) -> list[Flag]:
    """The flags that the software gives these vertebrae, registration by registration."""
    flags: list[Flag] = []
    for spine in spines_of(observations):
        rows = [as_row(o) for o in spine.members]
        rows = [replace(row, flag=judge(row, rule)[0]) for row in rows]
        shifted = spine.members[0].level_ratio < CLEARLY_BETTER
        if shifted:
            rows = at_wrong_level(rows, "cranial")
        elif other_bones(rows):
            rows = of_other_bones(rows)
        else:
            rows = in_company(rows)
        flags += [row.flag for row in rows]
    return flags


def doubts_of(observations: Sequence[Observation], rule: DoubtRule = RULE) -> NDArray[np.float64]:
    """The doubt about each vertebra."""
    return np.array([rule.doubt(indicator_values(as_row(o), rule)) for o in observations])
