"""Tables of several methods against numpy and scipy on made-up patients."""

from __future__ import annotations

import numpy as np
from scipy.stats import wilcoxon
from spine_ctmr.evaluation.cohort import Cohort
from spine_ctmr.evaluation.cohort_tables import cao_table, vanulsen_table
from spine_ctmr.evaluation.evaluation_files import TITLES

L3, L4 = 22, 23
RNG = np.random.default_rng(0)
RIGID = RNG.uniform(0.8, 0.85, (9, 2))
DICE = {
    "rigid": RIGID,
    "US": RIGID + RNG.normal(0, 0.005, (9, 2)),
    "WS": RIGID + np.array([0.05, 0]) + RNG.normal(0, 0.005, (9, 2)),
}
METHODS: dict[str, Cohort] = {
    name: {
        f"patient{k}": {L3: {"dice": float(row[0])}, L4: {"dice": float(row[1])}}
        for k, row in enumerate(values)
    }
    for name, values in DICE.items()
}


def cells(table: str, level: str) -> list[str]:
    title = TITLES["dice"]
    row = next(r for r in table.splitlines() if r.startswith(f"| {title} | {level} |"))
    return [cell.strip() for cell in row.strip("|").split("|")][2:]


def samples(level: str) -> dict[str, np.ndarray]:
    column = {"L3": 0, "L4": 1}
    return {n: v.mean(1) if level == "all" else v[:, column[level]] for n, v in DICE.items()}


def test_vanulsen_table_has_medians_ranges_and_marks() -> None:
    table = vanulsen_table(METHODS)
    assert table.splitlines()[0] == "| metric | level | rigid | US | WS |"
    for level in ("L3", "L4", "all"):
        found, values = cells(table, level), samples(level)
        for column, (name, sample) in enumerate(values.items()):
            q1, middle, q3 = np.percentile(sample, [25, 50, 75])
            references = [("rigid", "†"), ("US", "*")][:column]
            marks = [m for other, m in references if wilcoxon(values[other], values[name]).pvalue < 0.05]
            assert found[column] == " ".join([f"{middle:.3g} ± {q3 - q1:.3g}", *marks])
    assert cells(table, "L3")[2].endswith("† *")
    assert not cells(table, "L4")[1].endswith("†")


def test_cao_table_has_means_and_standard_deviations() -> None:
    table = cao_table(METHODS)
    for level in ("L3", "L4", "all"):
        expected = [f"{v.mean():.3g} ± {v.std(ddof=1):.3g}" for v in samples(level).values()]
        assert cells(table, level) == expected


def test_what_was_not_measured_is_a_dash() -> None:
    without = {name: {p: {L4: v[L4]} for p, v in c.items()} for name, c in METHODS.items()}
    mixed = {"rigid": METHODS["rigid"], "US": without["US"]}
    assert cells(cao_table(mixed), "L3")[1] == "–"
    surface = next(r for r in cao_table(METHODS).splitlines() if TITLES["mean_surface_mm"] in r)
    assert "– ± –" in surface
