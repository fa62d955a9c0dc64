"""Several methods on the same patients, as the tables of van Ulsen 2022 and Cao et al. 2018 show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from .cohort import Cohort, PairedComparison, compare
from .evaluation_files import TITLES
from .markdown import header, line, number

VANULSEN_METRICS = ("dice", "mean_surface_mm", "hd99_mm", "determinant_mean", "determinant_sd")
CAO_METRICS = ("dice", "mean_surface_mm")
SIGNIFICANT = 0.05
MARKS = ("†", "*")

Rows = Mapping[str, PairedComparison]
Cell = Callable[[PairedComparison, int], str]
Published = Mapping[str, Mapping[str, Sequence[str]]]
"""Cells of a paper's table by metric, level and column."""


def vanulsen_table(methods: Mapping[str, Cohort], published: Published | None = None) -> str:
    """Table 4.1 of van Ulsen 2022: median ± interquartile range over the patients, every level and all.

    † marks a difference from the first method (there the rigid start), * one from the second (there the
    unsupervised network): Wilcoxon's signed-rank test with p < 0.05, not corrected, as in the thesis.
    "all" is a patient's mean over its vertebrae.

    Args:
        methods: evaluations of the same patients by the method's name, in the order of the columns.
        published: what a paper prints, shown in italics under ours.
    """
    names = list(methods)
    paper = published or {}

    @cache
    def compared(reference: int, column: int, metric: str) -> Rows:
        return _rows(methods[names[reference]], methods[names[column]], metric)

    def marks(metric: str, level: str, column: int) -> str:
        found = ""
        for reference, mark in enumerate(MARKS[:column]):
            rows = compared(reference, column, metric)
            if level in rows and rows[level].p < SIGNIFICANT:
                found += f" {mark}"
        return found

    def cell(metric: str) -> Cell:
        def text(row: PairedComparison, column: int) -> str:
            values = row.second
            spread = f"{number(values.median)} ± {number(values.q3 - values.q1)}"
            theirs = paper.get(metric, {}).get(row.level)
            beside = f"<br>*{theirs[column]}*" if theirs else ""
            return spread + marks(metric, row.level, column) + beside

        return text

    return _table(methods, VANULSEN_METRICS, cell)


def cao_table(methods: Mapping[str, Cohort]) -> str:
    """Table 1 of Cao et al. 2018: mean ± standard deviation over the patients, every level and all.

    DSC is a share here, and a percentage in the paper.

    Args:
        methods: evaluations of the same patients by the method's name, in the order of the columns.
    """

    def text(row: PairedComparison, column: int) -> str:
        return f"{number(row.second.mean)} ± {number(row.second.sd)}"

    return _table(methods, CAO_METRICS, lambda metric: text)


def _table(methods: Mapping[str, Cohort], metrics: tuple[str, ...], cell: Callable[[str], Cell]) -> str:
    first = next(iter(methods.values()))
    lines = header(["metric", "level", *methods])
    for metric in metrics:
        columns = [_rows(first, cohort, metric) for cohort in methods.values()]
        text = cell(metric)
        for level in [*(name for name in columns[0] if name != "all"), "all"]:
            cells = [text(rows[level], k) if level in rows else "–" for k, rows in enumerate(columns)]
            lines.append(line([TITLES[metric], level, *cells]))
    return "\n".join(lines) + "\n"


def _rows(first: Cohort, second: Cohort, metric: str) -> Rows:
    return {row.level: row for row in compare(first, second, metric)}
