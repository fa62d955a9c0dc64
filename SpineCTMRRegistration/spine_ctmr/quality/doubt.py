"""How doubtful a vertebra's pose is: one number from indicators that are known without the truth.

A monotone rule: no indicator that gets worse can lower the doubt. Its numbers were chosen on phantoms that
were made to fail, whose tissue moved by the registration's own blend, and tested on patients moved by elastic
mechanics: see `research.studies.flags` and docs/measured/flag_calibration.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Indicator:
    """One indicator of the rule.

    Attributes:
        name: attribute of `VertebraQuality`.
        typical: median over accurate vertebrae; also stands for what was not measured.
        scale: change that counts as much as the weight says.
        limit: values beyond count as this one.
        weight: of the change, never negative.
    """

    name: str
    typical: float
    scale: float
    limit: float
    weight: float

    def change(self, value: float) -> float:
        """How much worse than typical a value is, in scales; 0 if it is better or was not measured."""
        if not math.isfinite(value):
            return 0.0
        bounded = min(value, self.limit) if self.scale > 0 else max(value, self.limit)
        return max(0.0, (bounded - self.typical) / self.scale)


@dataclass(frozen=True)
class DoubtRule:
    """A weighted sum of indicators and where it divides.

    Attributes:
        indicators: in the order of importance.
        offset: doubt where all indicators are typical.
        good_below: vertebrae with less doubt are good.
        refuse_above: vertebrae with more are not to be used.
    """

    indicators: tuple[Indicator, ...]
    offset: float
    good_below: float
    refuse_above: float

    def contributions(self, values: Sequence[float]) -> list[float]:
        """What every indicator adds to the doubt."""
        pairs = zip(self.indicators, values, strict=True)
        return [indicator.weight * indicator.change(value) for indicator, value in pairs]

    def doubt(self, values: Sequence[float]) -> float:
        """The doubt about one vertebra; `values` in the order of `indicators`, NaN = not measured."""
        return self.offset + sum(self.contributions(values))


RULE = DoubtRule(
    indicators=(
        Indicator("match_ratio", typical=0.661, scale=0.1, limit=1.3, weight=1.12),
        Indicator("level_ratio", typical=1.372, scale=-0.3, limit=0.5, weight=2.49),
        Indicator("neighbour_disagreement_mm", typical=0.934, scale=2.0, limit=8.0, weight=1.53),
        Indicator("visible_share", typical=1.0, scale=-0.3, limit=0.0, weight=0.73),
    ),
    offset=-4.75,
    good_below=-1.01,
    refuse_above=1.29,
)
