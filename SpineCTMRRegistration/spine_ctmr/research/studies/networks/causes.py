"""Tested causes: whether networks fit what they learned from, carry over, still learn, and could."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....evaluation.markdown import header, line
from .fit import BATCHES, Fit, loss_trend, measured_fit
from .trainings import Training, trained
from .verdicts import CARRIES_OVER, is_lower, signed

NEAR_SHARE = 1 / 3
"""The part of the test patients that is nearest without motion and looked at alone."""


TWO_ERRORS = 2.0
"""Standard errors of a loss's slope beyond which it falls."""


@dataclass(frozen=True)
class OnOthers:
    """Test patients by one kind of network.

    Attributes:
        still: (n,) without motion: error in bone in mm, or 1 - Dice.
        moved: (n,) by the network.
    """

    still: NDArray[np.float64]
    moved: NDArray[np.float64]

    @property
    def change(self) -> NDArray[np.float64]:
        """Paired, (n,)."""
        return self.moved - self.still

    @property
    def near(self) -> NDArray[np.float64]:
        """The change of the third that is nearest without motion."""
        return self.change[self.still <= np.nanquantile(self.still, NEAR_SHARE)]


@dataclass(frozen=True)
class Evidence:
    """What tells why networks of one kind register as they do.

    Attributes:
        fits: of each network.
        trends: change of each loss at the end of its training, see `loss_trend`.
        test: of all test patients.
    """

    fits: Sequence[Fit]
    trends: Sequence[tuple[float, float]]
    test: OnOthers

    def learned(self, of: str, less: str) -> NDArray[np.float64]:
        """Paired differences on the pairs that the networks learned from."""
        return np.concatenate([fit.difference(of, less) for fit in self.fits])

    @property
    def trend(self) -> tuple[float, float]:
        """Mean of the trends, and its standard error."""
        slopes, errors = np.array(self.trends).T
        return float(slopes.mean()), float(np.sqrt(np.square(errors).sum()) / len(errors))

    @property
    def cause(self) -> str:
        """In words."""
        slope, error = self.trend
        if not np.isfinite(slope):
            return f"{self._reach}; too few steps to tell whether its loss still falls"
        if slope < -TWO_ERRORS * error:
            return f"{self._reach}; its loss still falls"
        return f"{self._reach}; whether its loss still falls cannot be told"

    @property
    def way(self) -> float:
        """How far the loss has come from no motion's to the truth's, as a share; NaN if not known."""
        still, moved, true = (
            float(np.mean([getattr(fit, name) for fit in self.fits]))
            for name in ("loss_still", "loss_moved", "loss_true")
        )
        return (still - moved) / (still - true)

    @property
    def _went(self) -> str:
        if self.way > 1:
            return ", while its loss is lower where it went than at the truth"
        return f", while its loss went {self.way:.0%} of the way to the truth's"

    @property
    def _reach(self) -> str:
        truth = self.learned("loss_true", "loss_still")
        known = bool(np.isfinite(truth).all())
        if is_lower(self.learned("moved", "still")):
            carries = is_lower(self.test.change)
            said = CARRIES_OVER if carries else "fits its own pairs, does not carry over"
        elif known and not is_lower(truth):
            said = "its losses, as weighted, do not prefer the truth to no motion"
        else:
            said = f"does not fit even its own pairs beyond chance{self._went if known else ''}"
            said += ", though test patients profit" if is_lower(self.test.change) else ""
        if not is_lower(self.test.change) and is_lower(self.test.near):
            said += "; helps the third of the test patients nearest at the start, so the others lie too far"
        return said


def found_evidence(
    trainings: Sequence[Training],
    output: Path,
    kinds: Mapping[str, Sequence[str]],
    tests: Mapping[str, OnOthers],
) -> dict[str, Evidence]:
    """Evidence of every kind that has a trained and tested network, by title.

    Args:
        trainings: of the study.
        output: its folder.
        kinds: names of the trainings of every kind, by its title.
        tests: of the kinds, by title.
    """
    networks = {t.recipe.name: (t, network) for t, network in trained(trainings, output)}
    evidence = {}
    for title, names in kinds.items():
        present = [name for name in names if name in networks]
        if present and title in tests:
            fits = [measured_fit(*networks[name], output) for name in present]
            trends = [loss_trend(output / name) for name in present]
            evidence[title] = Evidence(fits, trends, tests[title])
    return evidence


def causes_section(evidence: Mapping[str, Evidence], measure: str) -> list[str]:
    """One line for every kind of network.

    Args:
        evidence: by title.
        measure: what `OnOthers` and `Fit` hold, in words.
    """
    lines = header(
        [
            "network",
            "pairs it learned from: no motion, moved",
            "test patients: no motion, moved",
            "the third nearest",
            "its losses: no motion, moved, truth",
            "loss in 100 steps, %",
            "found",
        ]
    )
    for title, found in evidence.items():
        sides = [_means(found.fits, "still", "moved"), *_pair(found.test)]
        losses = _means(found.fits, "loss_still", "loss_moved", "loss_true")
        slope, error = found.trend
        trend = f"{100 * slope:+.1f} ± {100 * error:.1f}" if np.isfinite(slope) else "–"
        lines.append(line([title, *sides, losses, trend, found.cause]))
    return [
        "## Tested causes",
        "",
        f"Whether a network fits the pairs that it learned from ({measure}, {BATCHES} batches of its own "
        "training), and others; what its losses, summed with their weights, say there of no motion, of its "
        "own and of the true one; and whether its loss still fell over the last half of its steps. A "
        "network that does not fit its own pairs learned too little, is held back, or matches wrong places "
        "because the right ones are too far; one that fits them alone saw too few patients.",
        "",
        *lines,
        "",
    ]


def _means(fits: Sequence[Fit], *names: str) -> str:
    means = [float(np.mean([getattr(fit, name) for fit in fits])) for name in names]
    return ", ".join(f"{mean:.3g}" for mean in means) if np.isfinite(means).all() else "–"


def _pair(test: OnOthers) -> list[str]:
    """Means with the paired change of all, and the change of the nearest."""
    means = f"{np.nanmean(test.still):.3g}, {np.nanmean(test.moved):.3g}"
    return [f"{means} ({signed(test.change)})", signed(test.near)]
