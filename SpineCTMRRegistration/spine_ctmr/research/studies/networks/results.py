"""Rows of a study, by method: values over the same patients, and cohorts of vertebrae."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ....evaluation.cohort import Cohort
from ....evaluation.evaluation_files import TITLES
from ..kernel import FAILURE, Row
from .measures import OVERALL

Overall = Mapping[str, NDArray[np.float64]]
"""Values over the patients, by key of `measures.OVERALL`; NaN where one has none."""


def rows_of(rows: Iterable[Row], method: str) -> list[Row]:
    """The rows of a method that have values, in the order of the patients."""
    return [row for row in rows if row.method == method and FAILURE not in row.values]


def overall_of(rows: Sequence[Row]) -> Overall:
    """Whole registrations of one method."""
    found = [row.values["overall"] for row in rows]
    return {key: np.array([np.nan if v[key] is None else v[key] for v in found], float) for key in OVERALL}


def cohort_of(rows: Sequence[Row], levels: Iterable[int] | None = None) -> Cohort:
    """Vertebrae of one method's registrations, of some levels alone if given."""
    wanted = None if levels is None else set(levels)
    return {
        row.patient: {
            int(vertebra["number"]): {
                key: float(value)
                for key, value in vertebra.items()
                if key in TITLES and isinstance(value, int | float)
            }
            for vertebra in row.values["vertebrae"]
            if wanted is None or vertebra["number"] in wanted
        }
        for row in rows
    }


def mean_overall(parts: Sequence[Overall]) -> Overall:
    """Means over several networks of the same kind, patient by patient."""
    return {key: np.mean([part[key] for part in parts], 0) for key in OVERALL}


def mean_cohort(parts: Sequence[Cohort]) -> Cohort:
    """Means over several networks of the same kind, vertebra by vertebra, where all have a value."""
    first = parts[0]
    return {
        patient: {
            number: {
                key: float(np.mean([part[patient][number][key] for part in parts]))
                for key in values
                if all(key in part[patient][number] for part in parts)
            }
            for number, values in vertebrae.items()
        }
        for patient, vertebrae in first.items()
    }


def cohort_change(first: Cohort, second: Cohort, metric: str) -> NDArray[np.float64]:
    """A metric of the first less that of the second, (n,): means over the vertebrae of each patient."""
    return np.array([_mean_change(first[p], second.get(p, {}), metric) for p in first], float)


def start_errors(start: Cohort) -> NDArray[np.float64]:
    """Mean error in the vertebrae of each patient at the start, (n,) in mm."""
    return np.array([_mean([v.get("tre_mm", np.nan) for v in start[p].values()]) for p in start], float)


def _mean_change(
    first: Mapping[int, Mapping[str, float]], second: Mapping[int, Mapping[str, float]], metric: str
) -> float:
    return _mean([first[n].get(metric, np.nan) - second[n].get(metric, np.nan) for n in first if n in second])


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
