"""What is counted on observations: shares with bootstrap intervals, and what every hard rule adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....quality.flags import LIMITS, Flag, Limit
from .fit import flags_of
from .observations import ACCURATE_MM, FAILED_MM, Observation, ObservedSpine, spines_of

RESAMPLINGS = 2000
_PERCENT = (2.5, 97.5)


@dataclass(frozen=True)
class Share:
    """A part of a whole, with the interval that 95 % of resampled sets of patients give.

    Attributes:
        part, whole: counts.
        low, high: of the share, 0 to 1; NaN where there is nothing.
    """

    part: int
    whole: int
    low: float
    high: float

    def __str__(self) -> str:
        if not self.whole:
            return "–"
        low, high = 100 * self.low, 100 * self.high
        return f"{self.part} of {self.whole} ({100 * self.part / self.whole:.1f} %; {low:.1f} to {high:.1f})"


def share(members: Sequence[int], hits: Sequence[bool]) -> Share:
    """How many of some results are hits, resampled by the patients that they belong to.

    Args:
        members: number of the patient of each result.
        hits: whether it counts.
    """
    patients, index = np.unique(members, return_inverse=True)
    whole = np.bincount(index, minlength=len(patients))
    part = np.bincount(index, np.asarray(hits, float), len(patients))
    low, high = resampled(len(patients), lambda drawn: part[drawn].sum() / whole[drawn].sum())
    return Share(int(part.sum()), len(members), low, high)


def resampled(count: int, statistic: Callable[[NDArray[Any]], float]) -> tuple[float, float]:
    """The interval of a statistic over draws with replacement of `count` patients."""
    if not count:
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    found = [statistic(rng.integers(count, size=count)) for _ in range(RESAMPLINGS)]
    low, high = np.percentile(found, _PERCENT)
    return float(low), float(high)


def flagged(observations: Sequence[Observation], chosen: Callable[[Observation], bool], flag: Flag) -> Share:
    """How many of the chosen vertebrae have a flag."""
    pairs = [(o, f) for o, f in zip(observations, flags_of(observations), strict=True) if chosen(o)]
    return share([o.patient for o, _ in pairs], [f == flag for _, f in pairs])


def failed_but_good(observations: Sequence[Observation]) -> Share:
    """How many vertebrae with more than 2 mm or no right answer are "good"."""
    return flagged(observations, lambda o: o.tre_mm > FAILED_MM, "good")


def accurate_but_refused(observations: Sequence[Observation]) -> Share:
    """How many vertebrae with less than 0.5 mm are "do not use"."""
    return flagged(observations, lambda o: o.tre_mm < ACCURATE_MM, "do not use")


def good_and_within(observations: Sequence[Observation], limit_mm: float) -> Share:
    """How many of the "good" vertebrae are within a limit."""
    good = [o for o, f in zip(observations, flags_of(observations), strict=True) if f == "good"]
    return share([o.patient for o in good], [o.tre_mm < limit_mm for o in good])


def marked_as_failed(observations: Sequence[Observation], chosen: Callable[[ObservedSpine], bool]) -> Share:
    """How many registrations of the chosen kind end with "failed its own checks"."""
    flags = iter(flags_of(observations))
    found = [(s, list(islice(flags, len(s.members)))) for s in spines_of(observations)]
    kept = [(s, f) for s, f in found if chosen(s)]
    return share(
        [s.members[0].patient for s, _ in kept], [2 * f.count("do not use") > len(f) for _, f in kept]
    )


@dataclass(frozen=True)
class Use:
    """What a hard rule does.

    Attributes:
        limit: the rule.
        failed, accurate: vertebrae beyond 2 mm or without a right answer, and within 0.5 mm, that break it.
        failed_alone, accurate_alone: vertebrae that would be good without it.
    """

    limit: Limit
    failed: int
    failed_alone: int
    accurate: int
    accurate_alone: int


def uses(observations: Sequence[Observation], limits: Sequence[Limit] = LIMITS) -> list[Use]:
    """What hard rules do, those in use and any other one beside them."""
    return [_use(observations, limit) for limit in limits]


def _use(observations: Sequence[Observation], limit: Limit) -> Use:
    others = [other for other in LIMITS if other != limit]
    without, with_it = (flags_of(observations, limits=limits) for limits in (others, [*others, limit]))
    alone = [a == "good" != b for a, b in zip(without, with_it, strict=True)]
    broken = [limit.is_broken(o.row) for o in observations]
    failed = [o.tre_mm > FAILED_MM for o in observations]
    accurate = [o.tre_mm < ACCURATE_MM for o in observations]
    counts = (
        sum(a and b for a, b in zip(kind, which, strict=True))
        for kind in (failed, accurate)
        for which in (broken, alone)
    )
    return Use(limit, *counts)


@dataclass(frozen=True)
class Calibration:
    """Errors over uncertainties.

    Attributes:
        vertebrae: how many.
        ratio: RMS error over RMS uncertainty: 1 where the uncertainty is right.
        low, high: its interval.
        within: share of the errors within twice the uncertainty.
    """

    vertebrae: int
    ratio: float
    low: float
    high: float
    within: float


def calibration(observations: Sequence[Observation], error: str, uncertainty: str) -> Calibration:
    """How an uncertainty of `VertebraQuality` compares with an error of `Observation`."""
    patients, index = np.unique([o.patient for o in observations], return_inverse=True)
    errors = np.array([getattr(o, error) for o in observations])
    sizes = np.array([getattr(o.row, uncertainty) for o in observations])
    squares = [np.bincount(index, v**2, len(patients)) for v in (errors, sizes)]

    def ratio(drawn: NDArray[Any]) -> float:
        return float(np.sqrt(squares[0][drawn].sum() / squares[1][drawn].sum()))

    low, high = resampled(len(patients), ratio)
    within = float((errors < 2 * sizes).mean())
    return Calibration(len(errors), ratio(np.arange(len(patients))), low, high, within)
