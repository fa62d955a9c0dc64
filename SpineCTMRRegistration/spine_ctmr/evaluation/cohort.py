"""Two methods on the same patients: paired tests for each level, corrected for their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, wilcoxon

from ..errors import InputError
from ..imaging.vertebra_names import cranial_to_caudal, vertebra_name
from ..json_files import read_json
from ..quality.metrics import Statistics, statistics
from ..results.names import EVALUATION
from .evaluation_files import TITLES
from .markdown import header, line, number, spread

EXACT = 50
"""Most pairs for which the signed-rank test counts all signs."""
Vertebrae = dict[int, dict[str, float]]
Cohort = dict[str, Vertebrae]
"""Metrics by patient and vertebra number."""


@dataclass(frozen=True)
class PairedComparison:
    """One level, two methods.

    Attributes:
        level: such as "L4", or "all": the patients' means over their vertebrae.
        pairs: patients with a value from both.
        first, second: the values of each method.
        median_difference: of second minus first.
        p: two-sided Wilcoxon signed-rank test; NaN without pairs, 1 if all are equal.
        p_holm: the same after Holm's correction over the levels; of "all" the uncorrected one.
    """

    level: str
    pairs: int
    first: Statistics
    second: Statistics
    median_difference: float
    p: float
    p_holm: float


def signed_rank_p(first: ArrayLike, second: ArrayLike) -> float:
    """Two-sided p of Wilcoxon's signed-rank test for pairs (n,), of which equal ones do not count.

    Exact up to `EXACT` pairs, with ties too, for which SciPy tries all signs one by one.
    """
    difference = np.asarray(second, float) - np.asarray(first, float)
    if difference.size == 0:
        return float("nan")
    difference = difference[difference != 0]
    if difference.size == 0:
        return 1.0
    if difference.size > EXACT:
        return float(wilcoxon(difference, method="asymptotic").pvalue)
    ranks = np.rint(2 * rankdata(np.abs(difference))).astype(int)
    ways = np.ones(1)
    for rank in ranks:
        ways = np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))
    found = int(ranks[difference > 0].sum())
    tail = min(ways[: found + 1].sum(), ways[found:].sum())
    return float(min(1.0, 2 * tail / ways.sum()))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p values (m,) corrected for testing m hypotheses (Holm 1979); NaN ones do not count."""
    p = np.asarray(p_values, float)
    result = np.full(p.shape, np.nan)
    order = [i for i in np.argsort(p) if np.isfinite(p[i])]
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * float(p[index])))
        result[index] = largest
    return result


def compare(first: Cohort, second: Cohort, metric: str) -> list[PairedComparison]:
    """Paired comparison of one metric: all vertebrae together, then every level."""
    patients = [name for name in first if name in second]
    levels = {n for name in patients for n in first[name] if n in second[name]}
    rows = []
    for level in cranial_to_caudal(levels):
        pairs = [
            (first[name][level].get(metric, np.nan), second[name][level].get(metric, np.nan))
            for name in patients
            if level in first[name] and level in second[name]
        ]
        rows.append(_row(vertebra_name(level), pairs))
    corrected = holm([row.p for row in rows])
    by_level = [replace(row, p_holm=float(p)) for row, p in zip(rows, corrected, strict=True)]
    means = [_patient_means(first[name], second[name], metric) for name in patients]
    return [_row("all", means), *by_level]


def read_cohort(folder: Path) -> Cohort:
    """The evaluations in the sub-folders of `folder`, by patient.

    Raises:
        InputError: there is none, or one is damaged.
    """
    cohort: Cohort = {}
    for path in sorted(folder.glob(f"*/{EVALUATION}.json")):
        mend = "run `spine-ctmr evaluate` for it again"
        content = read_json(path, mend)
        try:
            rows = content["vertebrae"]
            cohort[path.parent.name] = {int(row["number"]): _metrics(row) for row in rows}
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise InputError(f"{path} is damaged; {mend}.") from error
    if not cohort:
        raise InputError(
            f"{folder} holds no evaluated patients (PATIENT/{EVALUATION}.json); "
            "run `spine-ctmr evaluate` for every patient first."
        )
    return cohort


def as_markdown(metric: str, names: tuple[str, str], rows: Sequence[PairedComparison]) -> str:
    """The comparison as a table: median (IQR) and mean (SD) of both methods, and the tests."""
    methods = [f"{name}: median (IQR), mean (SD)" for name in names]
    titles = ["level", "patients", *methods, "median difference", "p", "p (Holm)"]
    lines = [f"## {TITLES[metric]}", "", *header(titles)]
    for row in rows:
        cells = [", ".join(spread(values)) for values in (row.first, row.second)]
        tests = [number(value) for value in (row.median_difference, row.p, row.p_holm)]
        lines.append(line([row.level, str(row.pairs), *cells, *tests]))
    return "\n".join(lines) + "\n"


def _row(level: str, pairs: Sequence[tuple[float, ...]]) -> PairedComparison:
    values = np.array([pair for pair in pairs if np.all(np.isfinite(pair))], float).reshape(-1, 2)
    a, b = values.T
    p = signed_rank_p(a, b)
    middle = float(np.median(b - a)) if len(a) else float("nan")
    return PairedComparison(level, len(a), statistics(a), statistics(b), middle, p, p)


def _patient_means(first: Vertebrae, second: Vertebrae, metric: str) -> tuple[float, ...]:
    """Means of one patient over the vertebrae that both methods measured: else who loses hard ones wins."""
    pairs = [(first[n].get(metric, np.nan), second[n].get(metric, np.nan)) for n in first if n in second]
    both = [pair for pair in pairs if np.all(np.isfinite(pair))]
    return tuple(np.mean(both, 0).tolist()) if both else (np.nan, np.nan)


def _metrics(row: Mapping[str, object]) -> dict[str, float]:
    return {
        key: float(value) for key, value in row.items() if key in TITLES and isinstance(value, int | float)
    }
