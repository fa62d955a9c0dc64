"""What every page about networks says: all methods on the same patients, and what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import sem, t

from ....evaluation.markdown import header, line
from .measures import OVERALL
from .results import Overall

COLUMNS = ("dice", "bone_mm", "soft_mm", "rigid_deviation_mm", "rigid_dsc", "folds")
CERTAIN = 0.95
"""Of the interval by Student's t that must leave out zero for a change to count as one."""
MANY = 1000
"""Patients that no study has."""
FAR_SHARE, FEWEST_FAR = 1 / 3, 4
"""Patients with the largest errors at the start are looked at alone: their share, and how few count."""
EXPLANATION = (
    "Mean (SD) over the patients. DSC: vertebrae that the image does not cut. Errors: mean distance to the "
    "true displacement in bone and elsewhere. Not rigid: RMS distance of the displacement in a moved "
    "vertebra from its best rigid motion. Rigid DSC: overlap of the moved vertebra with its closest rigid "
    "motion. Folds: voxels with det J ≤ 0. Last column: paired change of the error in bone, mean ± "
    "standard error; where the 95 % interval by Student's t holds zero it counts as none. CPU: median "
    "seconds of one thread."
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
    """Every method on the same patients: errors, regularity, cost; the networks begin with `start`."""
    against = f"error in bone, against {results[start].title}"
    lines = header(["", *(OVERALL[key] for key in COLUMNS), "parameters", "CPU s", against])
    before = results[start].overall["bone_mm"]
    patients = _known(before)
    for name, result in results.items():
        cells = [mean_and_spread(result.overall[key]) for key in COLUMNS]
        parameters = "–" if result.parameters is None else f"{result.parameters:,}"
        seconds = f"{float(np.nanmedian(result.overall['cpu_s'])):.1f}"
        change = "–" if name == start else verdict(result.overall["bone_mm"] - before)
        count = _known(result.overall["bone_mm"])
        title = result.title if count == patients else f"{result.title} ({count} of {patients} patients)"
        lines.append(line([title, *cells, parameters, seconds if name != start else "–", change]))
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
        worse = [r.title for r in trained.values() if is_lower(sign * (before[key] - r.overall[key]))]
        alike = [r.title for r in trained.values() if r.title not in (*able, *worse)]
        said.append(f"Better than {begun} beyond chance ({what}): {'; '.join(able) or 'none'}.")
        if alike:
            said.append(f"**Not better: {'; '.join(alike)}.**")
        if worse:
            said.append(f"**Worse beyond chance: {'; '.join(worse)}.**")
    if any("**" in sentence for sentence in said):
        said.append(
            "Networks that are not better stay as what the recipes make of so few steps: how long each "
            "learned, what its loss says of the truth against no motion, and the tested cause stand below."
        )
    return " ".join(said)


def against_weights(results: Mapping[str, Result], taught: str) -> str:
    """Which of the networks are better or worse in bone than the one with whose weights they began.

    Args:
        results: of all methods.
        taught: name of that one.
    """
    before = results[taught]
    changes = {
        result.title: result.overall["bone_mm"] - before.overall["bone_mm"]
        for name, result in results.items()
        if result.learned and name != taught
    }
    better = [title for title, change in changes.items() if is_lower(change)]
    worse = [f"{title} ({signed(change)} mm)" for title, change in changes.items() if is_lower(-change)]
    return (
        f"All networks but {before.title} began with its weights. Against those the error in bone is lower "
        f"beyond chance: {'; '.join(better) or 'none'}; **higher: {'; '.join(worse) or 'none'}.** "
        "That is what their own losses added: what is better than no motion may be owed to the weights."
    )


def verdict(change: NDArray[np.float64]) -> str:
    """A paired change (n,) in mm in words: a network that does not lower the error says so."""
    change = change[np.isfinite(change)]
    figures = f"{change.mean():+.2f} ± {sem(change):.2f} mm"
    if is_lower(change):
        return f"{figures}: better"
    return f"{figures}: **worse**" if is_lower(-change) else f"{figures}: **no change** beyond chance"


def is_lower(change: NDArray[np.float64]) -> bool:
    """Whether a paired change (n,) is below zero beyond chance: by Student's t, for it may be of few."""
    change = change[np.isfinite(change)]
    return bool(change.size > 1 and change.mean() < -_reach(len(change)) * sem(change))


def _reach(count: int) -> float:
    """Standard errors that half an interval of `CERTAIN` has for so many values."""
    return float(t.ppf((1 + CERTAIN) / 2, count - 1))


def _known(values: NDArray[np.float64]) -> int:
    return int(np.isfinite(values).sum())


CARRIES_OVER = "learned and carries over"
"""So the cause of a network begins that registers better than its start."""
HOLLOW = ", though neither of the two registers better than its start: the first only moves less"


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
        figures = f"paired difference {signed(known)}{self.unit and ' ' + self.unit}, n = {len(known)}"
        if is_lower(known):
            known_causes = [causes[title] for title in self.about if title in causes] if causes else []
            hollow = len(known_causes) == 2 and not any(c.startswith(CARRIES_OVER) for c in known_causes)
            return f"- {self.words}: **reproduced** ({figures}){HOLLOW if hollow else ''}."
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
        needed = round(len(known) * (_reach(len(known)) * error / mean) ** 2)
        if needed > MANY:
            return ["the direction is the paper's, but no number of patients that can be had would tell"]
        would = f"about {needed} instead of {len(known)} would tell as often as not"
        return [f"the direction is the paper's, and {would}"]

    def _far(self) -> list[str]:
        """The difference where the start was farthest off."""
        if self.change is None or self.start is None:
            return []
        both = np.isfinite(self.change) & np.isfinite(self.start)
        change, start = self.change[both], self.start[both]
        if len(change) < FEWEST_FAR / FAR_SHARE:
            return []
        far = change[start >= np.quantile(start, 1 - FAR_SHARE)]
        words = {is_lower(far): "the paper's direction", is_lower(-far): "the opposite"}
        word = words.get(True, "nothing beyond chance")
        return [f"among the {len(far)} with the largest errors at the start {signed(far)}, {word}"]

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
        "is the paper's direction; it counts where the 95 % interval by Student's t leaves out zero, not "
        "corrected for how many conclusions there are. Each network is one training or the mean of one for "
        "each division: the errors are those of the patients, not of training again.",
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
