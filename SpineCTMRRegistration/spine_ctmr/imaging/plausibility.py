"""Can labels be the vertebrae that a reading of them says, and how well do their sizes fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..geometry.grid import Points
from .label_shapes import LabelShape, spine_axis
from .typical_sizes import ORDER, levels_between, typical_distance_mm, typical_volume_mm3
from .vertebra_names import SACRUM, vertebra_list, vertebra_name

LARGEST = 1.38
"""Size of a vertebra over that of an adult's above which it is another one."""
_CLEARLY_MM = 5.0
"""How much further towards the tail a vertebra must be to be in the wrong order."""
_SKIPPED = 0.72
"""Distance of two vertebrae over that of the levels named, below which there is no room for those between."""
_GAP = 1.75
"""The same for levels that follow each other, above which one between them has been skipped."""
_LYING = 0.3
"""Cosine of the spine and the axis to the head below which the image does not say where the head is."""
_AXIS = 2
"""C2's dens is nearly as thick as its body and lies above it."""

Known = tuple[int, LabelShape]
"""A VerSe number and the label that is read so."""


@dataclass(frozen=True)
class Fit:
    """How well labels fit the levels of a reading.

    Attributes:
        size: of the vertebrae over an adult's; NaN where nothing tells.
        misfit: how far the logarithms of all sizes are from an adult's, RMS; NaN likewise.
        sizes: how many volumes and distances tell.
    """

    size: float
    misfit: float
    sizes: int


def impossible(levels: Mapping[int, int], shapes: Mapping[int, LabelShape]) -> str | None:
    """Why labels cannot be these vertebrae, as the end of a sentence; None if they can.

    Args:
        levels: VerSe number by label.
        shapes: of the labels; those without say nothing.
    """
    known = [(n, shapes[label]) for label, n in levels.items() if label in shapes]
    known.sort(key=lambda item: ORDER.index(item[0]))
    centers = {n: shape.center_mm for n, shape in known}
    return _named_twice(levels) or _too_large(known) or wrong_order(centers) or _uneven(known)


def wrong_order(centers: Mapping[int, Points]) -> str | None:
    """Why vertebrae by VerSe number with LPS `centers` (3,) are not in order; None if they are."""
    numbers = sorted(centers, key=ORDER.index)
    if len(numbers) < 2:
        return None
    axis = spine_axis(np.array([centers[n] for n in numbers]))
    heights = [float(centers[n] @ axis) for n in numbers]
    if abs(axis[2]) < _LYING and heights[0] < heights[-1]:
        heights = [-height for height in heights]
    pairs = list(pairwise(zip(numbers, heights, strict=True)))
    lower = [(a, b) for (a, high), (b, low) in pairs if high < low - _CLEARLY_MM]
    if len(lower) == len(pairs):
        return f"{vertebra_list(numbers)} run from tail to head"
    return f"{vertebra_name(lower[0][0])} lies below {vertebra_name(lower[0][1])}" if lower else None


def fit(levels: Mapping[int, int], shapes: Mapping[int, LabelShape]) -> Fit:
    """How well the sizes of labels and their distances fit those of an adult's vertebrae."""
    known = [(n, shapes[label]) for label, n in levels.items() if label in shapes and n != SACRUM]
    known.sort(key=lambda item: ORDER.index(item[0]))
    sizes = [_size(n, shape) for n, shape in known]
    logarithms = np.log([*sizes, *(_distance(*pair) for pair in pairwise(known))])
    if not logarithms.size:
        return Fit(float("nan"), float("nan"), 0)
    return Fit(
        float(np.exp(logarithms.mean())), float(np.sqrt(np.square(logarithms).mean())), len(logarithms)
    )


def _size(number: int, shape: LabelShape) -> float:
    """Size over an adult's, by the volume; 1 for the sacrum."""
    typical = typical_volume_mm3(number)
    return 1.0 if typical is None else float(np.cbrt(shape.volume_mm3 / typical))


def _distance(above: Known, below: Known) -> float:
    """Distance of two centres over an adult's."""
    distance = np.linalg.norm(above[1].center_mm - below[1].center_mm)
    return float(distance) / typical_distance_mm(above[0], below[0])


def _named_twice(levels: Mapping[int, int]) -> str | None:
    for number in set(levels.values()) - {SACRUM}:
        labels = [label for label, n in levels.items() if n == number]
        if len(labels) > 1:
            return f"{vertebra_name(number)} has {len(labels)} labels ({', '.join(map(str, labels))})"
    return None


def _too_large(known: list[Known]) -> str | None:
    axis = spine_axis(np.array([shape.center_mm for _, shape in known]).reshape(-1, 3))
    for number, shape in known:
        if number == SACRUM:
            continue
        if number != _AXIS and (bodies := shape.bodies(axis)) > 1:
            return f"{vertebra_name(number)} holds {bodies} vertebral bodies"
        if _size(number, shape) > LARGEST:
            volume, usual = shape.volume_mm3 / 1000, (typical_volume_mm3(number) or 0) / 1000
            return f"{vertebra_name(number)} is too large ({volume:.0f} cm³ where {usual:.0f} are usual)"
    return None


def _uneven(known: list[Known]) -> str | None:
    """Names that skip levels where there is no room for them, or follow each other where there is."""
    for upper, lower in pairwise(known):
        if upper[0] == lower[0]:  # two parts of the sacrum
            continue
        between = levels_between(upper[0], lower[0])
        distance = _distance(upper, lower)
        size = max(_size(*vertebra) for vertebra in (upper, lower) if vertebra[0] != SACRUM)
        pair = f"{vertebra_name(upper[0])} and {vertebra_name(lower[0])}"
        if between and distance < _SKIPPED * min(size, 1.0):
            return f"{pair} leave no room for {', '.join(map(vertebra_name, between))} between them"
        if not between and distance > _GAP * max(size, 1.0):
            return f"{pair} leave room for another vertebra between them"
    return None
