"""What every page about networks says: all methods on the same patients, and what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import sem

from ....evaluation.markdown import header, line
from .measures import OVERALL
from .results import Overall

COLUMNS = ("dice", "bone_mm", "soft_mm", "rigid_deviation_mm", "rigid_dsc", "folds")
CERTAIN = 2.0
"""Standard errors beyond which a change counts as one."""
FAR_SHARE, FEWEST_FAR = 1 / 3, 4
"""Patients with the largest errors at the start are looked at alone: their share, and how few count."""
EXPLANATION = (
    "Mean (SD) over the patients. DSC: vertebrae that the image does not cut. Errors: mean distance to the "
    "true displacement in bone and elsewhere. Not rigid: RMS distance of the displacement in a moved "
    "vertebra from its best rigid motion. Rigid DSC: overlap of the moved vertebra with its closest rigid "
    "motion. Folds: voxels with det J ≤ 0. Last column: paired change of the error in bone, mean ± "
    "standard error; within two standard errors it counts as none. CPU seconds of one thread."
)


@dataclass(frozen=True)
class Result:
    """One method in a table.

    Attributes:
        title: of its line.
        overall: over the patients.
        parameters: of its network, if it is one.
        learned: whether it was trained in this study and so has to show that it learned.
    """

    title: str
    overall: Overall
    parameters: int | None = None
    learned: bool = False


def methods_table(results: Mapping[str, Result], start: str) -> list[str]:
    """Every method on the same patients: errors, regularity, cost; `start` names the one without motion."""
    lines = header(
        ["", *(OVERALL[key] for key in COLUMNS), "parameters", "CPU s", "error in bone, against the start"]
    )
    before = results[start].overall["bone_mm"]
    for name, result in results.items():
        cells = [mean_and_spread(result.overall[key]) for key in COLUMNS]
        parameters = "–" if result.parameters is None else f"{result.parameters:,}"
        seconds = f"{float(np.nanmedian(result.overall['cpu_s'])):.1f}"
        change = "–" if name == start else verdict(result.overall["bone_mm"] - before)
        lines.append(line([result.title, *cells, parameters, seconds if name != start else "–", change]))
    return [*lines, "", EXPLANATION, ""]


def what_was_learned(results: Mapping[str, Result], start: str, registered: bool = False) -> str:
    """Which of the trained networks improve what they begin with beyond chance, in one paragraph.

    Args:
        results: of all methods.
        start: name of the one with which the networks begin.
        registered: whether that is a registration, and not the absence of motion.
    """
    before = results[start].overall
    begun = f"{results[start].title}, with which they begin," if registered else "no motion"
    trained = {name: result for name, result in results.items() if result.learned}
    said = []
    for key, sign, what in (("bone_mm", 1, "error in bone"), ("dice", -1, "overlap of the vertebrae")):
        able = [r.title for r in trained.values() if is_lower(sign * (r.overall[key] - before[key]))]
        unable = [r.title for r in trained.values() if r.title not in able]
        said.append(f"Better than {begun} beyond chance ({what}): {'; '.join(able) or 'none'}.")
        if unable:
            said.append(f"**Not better: {'; '.join(unable)}.**")
    said.append(
        "Networks that are not better stay as what the recipes make of so few steps: how long each learned, "
        "what its loss says of the truth against no motion, and the tested cause stand below."
    )
    return " ".join(said)


def verdict(change: NDArray[np.float64]) -> str:
    """A paired change (n,) in mm in words: a network that does not lower the error says so."""
    change = change[np.isfinite(change)]
    mean, error = float(change.mean()), float(sem(change))
    figures = f"{mean:+.2f} ± {error:.2f} mm"
    if abs(mean) <= CERTAIN * error:
        return f"{figures}: **no change** beyond chance"
    return f"{figures}: better" if mean < 0 else f"{figures}: **worse**"


def is_lower(change: NDArray[np.float64]) -> bool:
    """Whether a paired change (n,) is below zero beyond chance."""
    change = change[np.isfinite(change)]
    return bool(change.size > 1 and change.mean() < -CERTAIN * sem(change))


@dataclass(frozen=True)
class Claim:
    """A conclusion of a paper, and whether ours has the same direction.

    Attributes:
        words: what the paper concludes.
        change: paired differences (n,) that are below zero if it holds; None if nothing tells.
        unit: of the differences.
        about: titles of the networks that it is about.
        start: (n,) errors at the start, of the same patients.
    """

    words: str
    change: NDArray[np.float64] | None
    unit: str = ""
    about: Sequence[str] = ()
    start: NDArray[np.float64] | None = None

    def sentence(self, causes: Mapping[str, str] | None = None) -> str:
        """One item of a list; where the conclusion does not come out alike, with what was tested.

        Args:
            causes: why networks register as they do, by title.
        """
        if self.change is None:
            return f"- {self.words}: cannot be said here."
        known = self.change[np.isfinite(self.change)]
        if len(known) < 2:
            return f"- {self.words}: cannot be said here."
        figures = f"paired difference {signed(known)}{self.unit and ' ' + self.unit}"
        if is_lower(known):
            return f"- {self.words}: **reproduced** ({figures})."
        word = "the opposite" if is_lower(-known) else "not beyond chance"
        tested = [*self._power(known), *self._far(), *self._networks(causes or {})]
        return f"- {self.words}: **{word}** ({figures}). Tested: {'; '.join(tested) or 'nothing more'}."

    def _power(self, known: NDArray[np.float64]) -> list[str]:
        """How many patients would tell, where the direction is the paper's."""
        mean, error = float(known.mean()), float(sem(known))
        if is_lower(-known):
            return []
        if mean >= 0:
            return ["the direction is not the paper's either" if mean > 0 else "no difference at all"]
        needed = round(len(known) * (CERTAIN * error / mean) ** 2)
        return [f"the direction is the paper's, and about {needed:,} instead of {len(known)} would tell"]

    def _far(self) -> list[str]:
        """The difference where the start was farthest off."""
        if self.change is None or self.start is None:
            return []
        both = np.isfinite(self.change) & np.isfinite(self.start)
        change, start = self.change[both], self.start[both]
        if len(change) < FEWEST_FAR / FAR_SHARE:
            return []
        far = change[start >= np.quantile(start, 1 - FAR_SHARE)]
        word = "the paper's direction" if is_lower(far) else "not the paper's direction beyond chance either"
        return [f"among the third with the largest errors at the start {signed(far)}, {word}"]

    def _networks(self, causes: Mapping[str, str]) -> list[str]:
        return [f"{title} {causes[title]}" for title in self.about if title in causes]


def claims_section(claims: Sequence[Claim], causes: Mapping[str, str]) -> list[str]:
    """All conclusions, one line each.

    Args:
        claims: of the paper.
        causes: why networks register as they do, by title.
    """
    return [
        "## The paper's conclusions",
        "",
        "Direction on the same test patients, mean ± standard error of the paired difference; below zero "
        "is the paper's direction, beyond two standard errors it counts.",
        "",
        *(claim.sentence(causes) for claim in claims),
        "",
    ]


def signed(values: NDArray[np.float64]) -> str:
    """Mean ± standard error of the values that are known."""
    known = values[np.isfinite(values)]
    return f"{known.mean():+.3g} ± {sem(known):.2g}"


def mean_and_spread(values: NDArray[np.float64]) -> str:
    """Mean (SD) of the values that are known."""
    known = values[np.isfinite(values)]
    if not known.size:
        return "–"
    spread = known.std(ddof=1) if known.size > 1 else 0.0
    return f"{_short(float(known.mean()))} ({_short(float(spread))})"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3f}" if 0 < abs(value) < 0.1 else f"{value:.2f}"
