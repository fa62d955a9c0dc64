"""Which numbering a label map follows: by its set of numbers, their order, sizes and neighbours."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from .label_schemes import INSTANCES, SCHEMES, VERSE, LabelScheme
from .label_shapes import LabelShape, spine_axis
from .plausibility import Fit, fit, impossible
from .typical_sizes import ORDER
from .vertebra_names import L6, SACRUM, T13, vertebra_name

_ORDINARY = 0.72, 1.22
"""Sizes over an adult's that most spines have."""
_LARGEST_MISFIT = 0.22
"""Misfit of the sizes up to which a scheme other than VerSe is taken."""
_RARE = {
    "totalsegmentator-v1": 0.1,
    "mrspineseg": 0.1,
    "vertebrae-mr": 0.05,
    "spider": 0.05,
    INSTANCES.name: 0.2,
}
"""What is added to the misfit of schemes that few label maps follow today."""
_IGNORED, _UNKNOWN, _VARIANT = 0.3, 0.1, 0.1
"""What is added if all labels are of other structures, if some mean nothing, and for L6 or T13."""
_MARGIN, _MARGIN_OF_ONE = 0.03, 0.22
"""How much misfits must differ to decide: always, and more for one size, shared by the number of sizes."""
_FEWEST = 2
"""Labels that tell a scheme other than VerSe."""


@dataclass(frozen=True)
class Reading:
    """Labels read by a scheme.

    Attributes:
        scheme: how.
        levels: VerSe number by label.
        others: labels of other structures.
        unknown: labels that mean nothing in it.
        fit: how well the sizes fit.
        misfit: that of the sizes, and what speaks against the scheme itself.
        rivals: other readings that are possible.
    """

    scheme: LabelScheme
    levels: Mapping[int, int]
    others: Sequence[int]
    unknown: Sequence[int]
    fit: Fit
    misfit: float
    rivals: tuple[Reading, ...] = ()

    @property
    def is_ordinary(self) -> bool:
        """Whether the vertebrae have the size of most patients'."""
        return _ORDINARY[0] <= self.fit.size <= _ORDINARY[1]

    @property
    def is_sure(self) -> bool:
        """Whether it can be taken where no other reading is possible."""
        fits = self.is_ordinary and self.fit.misfit <= _LARGEST_MISFIT
        return self.scheme is VERSE or (fits and len(self.levels) + len(self.others) >= _FEWEST)

    def __str__(self) -> str:
        return f"{self.scheme.name} ({listed(self.levels)})"


def listed(levels: Mapping[int, int]) -> str:
    """What labels were read as, for messages: "20 = L1, 21 = L2"."""
    names = [f"{label} = {vertebra_name(number)}" for label, number in levels.items()]
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


def readable(labels: Collection[int]) -> list[LabelScheme]:
    """VerSe, and the schemes that know all these labels, among them a vertebra above the sacrum."""
    schemes = [counted_from_sacrum(labels) if scheme is INSTANCES else scheme for scheme in SCHEMES]
    return [
        scheme
        for scheme in schemes
        if scheme is VERSE or (not scheme.unknown(labels) and set(scheme.reads(labels).values()) - {SACRUM})
    ]


def choose(labels: Collection[int], shapes: Mapping[int, LabelShape], name: str, option: str) -> Reading:
    """The reading of labels that is anatomically possible and fits best.

    VerSe is taken unless it is impossible or another scheme fits clearly better; another one only if none
    fits nearly as well.

    Args:
        labels: all label values.
        shapes: of the labels that any scheme of `readable` takes for vertebrae.
        name: of the label map, for messages.
        option: of the command line that says the scheme, for messages.

    Raises:
        InputError: two schemes fit, or none.
    """
    readings, problems = possible(labels, shapes)
    if not readings:
        raise InputError(_none_fits(labels, shapes, problems, name, option))
    best, *others = readings
    margin = _MARGIN + _MARGIN_OF_ONE / max(1, best.fit.sizes)
    trusted = best.scheme is VERSE and not best.unknown
    limit = best.misfit - margin if trusted else best.misfit + margin
    doubts = [other for other in others if other.is_ordinary and other.misfit < limit]
    if doubts:
        ways = " or ".join(map(str, [best, *doubts]))
        raise InputError(f"{name} can be read as {ways}; say which is right with {option}.")
    if not best.is_sure:
        raise InputError(
            f"{name} may be {best}, but that is not sure; say with {option} whether it is right."
        )
    if best.unknown:
        raise InputError(_means_nothing(best, name, option))
    counted = _counted_from_top(labels, shapes) if best.scheme is VERSE else None
    if counted is not None and counted.misfit < best.misfit - margin:
        raise InputError(
            f"{name} has labels 1 to {max(labels)}, which seem to count vertebrae from the top and not to be"
            f" C1 to {vertebra_name(max(labels))} by their sizes; {_name_them(labels, option)}."
        )
    return replace(best, rivals=tuple(other for other in others if other.is_ordinary))


def possible(labels: Collection[int], shapes: Mapping[int, LabelShape]) -> tuple[list[Reading], list[str]]:
    """The readings of labels that are anatomically possible, the preferred one first, and why others are not.

    The arguments are those of `choose`; of readings that name all labels alike there is one.
    """
    readings, problems = [], []
    for scheme in readable(labels):
        reading = read_by(scheme, labels, shapes)
        problem = impossible(reading.levels, shapes)
        if problem is None and reading.levels:
            readings.append(reading)
        elif problem is not None:
            problems.append(f"as {scheme.name}, {problem}")
    return _distinct(readings), problems


def read_by(scheme: LabelScheme, labels: Collection[int], shapes: Mapping[int, LabelShape]) -> Reading:
    """Labels read by one scheme, whether that is possible or not."""
    levels, unknown = scheme.reads(labels), scheme.unknown(labels)
    found = fit(levels, shapes)
    others = [label for label in labels if label not in levels and label not in unknown]
    misfit = 1.0 if math.isnan(found.misfit) else found.misfit
    misfit += (
        _RARE.get(scheme.name, 0.0)
        + _IGNORED * (1 - len(levels) / len(labels))
        + (_UNKNOWN if unknown else 0.0)
    )
    misfit += _VARIANT if {L6, T13} & set(levels.values()) else 0.0
    return Reading(scheme, levels, others, unknown, found, misfit)


def counted_from_sacrum(labels: Collection[int]) -> LabelScheme:
    """SPINEPS instances 1, 2, … above the sacrum 26 as the vertebrae down to L5; none without a sacrum."""
    instances = [n for n in labels if 1 <= n <= L6]
    if SACRUM not in labels or 1 not in instances:
        return INSTANCES
    levels = {n: 24 - (max(instances) - n) for n in instances}
    return replace(INSTANCES, numbers={**{n: v for n, v in levels.items() if v > 0}, SACRUM: SACRUM})


def _counted_from_top(labels: Collection[int], shapes: Mapping[int, LabelShape]) -> Reading | None:
    """Labels 1, 2, … as vertebrae counted from any level below C1, the one whose sizes fit best."""
    if len(labels) < 2 or sorted(labels) != list(range(1, len(labels) + 1)):
        return None
    course = [n for n in ORDER if n not in (L6, T13, SACRUM)]
    starts = [
        dict(enumerate(course[k : k + len(labels)], 1)) for k in range(1, len(course) - len(labels) + 1)
    ]
    schemes = [LabelScheme("top", "", numbers) for numbers in starts if impossible(numbers, shapes) is None]
    return min((read_by(s, labels, shapes) for s in schemes), key=lambda r: r.misfit, default=None)


def _distinct(readings: list[Reading]) -> list[Reading]:
    """One reading for each naming of the labels, the preferred one first."""
    ways: dict[tuple[tuple[int, int], ...], Reading] = {}
    for reading in sorted(readings, key=lambda r: (r.scheme is not VERSE or bool(r.unknown), r.misfit)):
        ways.setdefault(tuple(reading.levels.items()), reading)
    return list(ways.values())


def _none_fits(
    labels: Collection[int],
    shapes: Mapping[int, LabelShape],
    problems: Sequence[str],
    name: str,
    option: str,
) -> str:
    if len(shapes) == 1 and (bodies := next(iter(shapes.values())).bodies(spine_axis(np.empty((0, 3))))) > 1:
        return (
            f"{name} holds {bodies} vertebral bodies in label {some(shapes)};"
            " give every vertebra its own label, such as L1=20 … L5=24."
        )
    if not problems:
        return (
            f"{name} has labels {some(labels)}, of which none is a vertebra in a known numbering;"
            f" {_name_them(labels, option)}."
        )
    return f"{name} cannot be read: {'; '.join(problems[:3])}; {_name_them(labels, option)}."


def _means_nothing(reading: Reading, name: str, option: str) -> str:
    return (
        f"{name} has labels {some(reading.unknown)} that are neither VerSe numbers nor fit another numbering;"
        f" add {option} verse to leave them out, or"
        f" {_name_them([*reading.levels, *reading.unknown], option)}."
    )


def _name_them(labels: Collection[int], option: str) -> str:
    example = ",".join(f"{n}={level}" for n, level in zip(sorted(labels), ("L1", "L2", "L3"), strict=False))
    return f"say which vertebra each label is with {option}, such as {option} {example}"


def some(values: Collection[int]) -> str:
    """The first eight numbers in rising order, for messages."""
    ordered = sorted(values)
    return ", ".join(map(str, ordered[:8])) + (", …" if len(ordered) > 8 else "")
