"""Figures of the benchmark over its patients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .rows import BenchmarkRow

MEASURES = (
    *("bone_mean", "bone_worst", "soft_mean", "landmarks_mean", "rigid_deviation", "folds"),
    *("cpu_s", "wall_s", "memory_mb"),
)


@dataclass(frozen=True)
class Exponent:
    """The power law of a cost over sizes: cost ~ size ** exponent.

    Attributes:
        method: its name.
        points: (size, cost) as measured.
        exponent: of the least-squares line through their logarithms.
    """

    method: str
    points: tuple[tuple[float, float], ...]
    exponent: float


def means(rows: Sequence[BenchmarkRow]) -> dict[str, float]:
    """Mean of every measure over the rows that have it, the worst vertebra of all; NaN where none has."""
    flat = [row.flat() for row in rows]
    result = {}
    for name in MEASURES:
        values = [values[name] for values in flat if values.get(name) is not None]
        middle = max if name == "bone_worst" else np.mean
        result[name] = float(middle(values)) if values else math.nan
    return result


def cost_ratio(rows: Sequence[BenchmarkRow], reference: Sequence[BenchmarkRow], measure: str) -> float:
    """Geometric mean of a cost over that of the reference on the same patients; NaN without common ones."""
    theirs = {row.patient: row.flat().get(measure) for row in reference}
    logs = []
    for row in rows:
        ours, other = row.flat().get(measure), theirs.get(row.patient)
        if ours and other:
            logs.append(math.log(ours / other))
    return math.exp(float(np.mean(logs))) if logs else math.nan


def exponents(
    rows: Sequence[BenchmarkRow], measure: str, size: Callable[[BenchmarkRow], float]
) -> list[Exponent]:
    """How a cost grows with a size, for every method with results at two sizes or more."""
    found = []
    for method in dict.fromkeys(row.method for row in rows):
        costs = [(size(row), row.flat().get(measure)) for row in rows if row.method == method]
        points = sorted((float(s), float(c)) for s, c in costs if c)
        if len({s for s, _ in points}) >= 2:
            sizes, values = np.log(np.array(points)).T
            slope = np.polyfit(sizes, values, 1)[0]
            found.append(Exponent(method, tuple(points), float(slope)))
    return found
