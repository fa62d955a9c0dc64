"""The page's tables: one function per paper, and all methods together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import sem

from ....evaluation.cohort import Cohort
from ....evaluation.cohort_tables import cao_table, vanulsen_table
from ....evaluation.markdown import header, line, number
from ....evaluation.tables import TITLES as METRICS
from ..vertebra_study import PairResult, folding_table, overlap_table
from .names import CAO, LEVELS, STUDIES, TITLES, VANULSEN

Overall = Mapping[str, Mapping[str, NDArray[np.float64]]]
"""Values over the same patients by method and key of `measures.OVERALL`."""
COLUMNS = {
    "dice": "DSC",
    "bone_mm": "bone, mm",
    "soft_mm": "soft tissue, mm",
    "rigid_deviation_mm": "not rigid in bone, mm",
    "folds": "folding voxels",
}
CERTAIN = 2.0
"""Standard errors beyond which a change counts as one."""


def all_methods(overall: Overall, costs: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Every method on the same patients: errors, regularity and cost, mean (SD)."""
    lines = header(["", *COLUMNS.values(), "parameters", "CPU s", "MB", "error in bone, against the start"])
    start = overall["initial"]["bone_mm"]
    for name, values in overall.items():
        cells = [f"{_short(values[key].mean())} ({_short(values[key].std(ddof=1))})" for key in COLUMNS]
        cost = costs.get(name, {})
        parameters = f"{cost['parameters']:,}" if "parameters" in cost else "–"
        memory = f"{cost['memory_mb']:.0f}" if cost.get("memory_mb") is not None else "–"
        seconds = cost.get("cpu_s", float(np.median(values["cpu_s"])))
        change = "–" if name == "initial" else verdict(values["bone_mm"] - start)
        time = "–" if name == "initial" else f"{seconds:.1f}"
        lines.append(line([TITLES[name], *cells, parameters, time, memory, change]))
    return lines


def verdict(change: NDArray[np.float64]) -> str:
    """A paired change (n,) in mm in words: a network that does not lower the error says so."""
    mean, error = float(change.mean()), float(sem(change))
    figures = f"{mean:+.2f} ± {error:.2f} mm"
    if abs(mean) <= CERTAIN * error:
        return f"{figures}: **no change** beyond chance"
    return f"{figures}: better" if mean < 0 else f"{figures}: **worse**"


def what_was_learned(overall: Overall, studies: Mapping[str, Sequence[PairResult]]) -> str:
    """Which of the trained networks register better than no motion beyond chance, in one paragraph."""
    start = overall["initial"]["bone_mm"]
    papers = {**VANULSEN, **CAO}
    changes = {n: v["bone_mm"] - start for n, v in overall.items() if n in papers and not _is_reference(n)}
    for name, found in studies.items():
        if name not in TITLES:
            continue
        dice = [(r.overlaps["initial"].dice, r.overlaps["final"].dice) for r in found]
        changes[name] = np.array([before - after for before, after in dice])
    able = [TITLES[name] for name, change in changes.items() if _is_lower(change)]
    unable = [TITLES[name] for name in changes if TITLES[name] not in able]
    lines = [f"Better than no motion beyond chance: {'; '.join(able) or 'none'}."]
    if unable:
        lines.append(f"**Not better within this budget: {'; '.join(unable)}.**")
    lines.append("(Error in bone of the test patients; for pairs of vertebrae, Dice.)")
    before = overall["initial"]["dice"]
    overlapping = [TITLES[n] for n in papers if n in changes and _is_lower(before - overall[n]["dice"])]
    lines.append(f"Vertebrae overlap better beyond chance: {'; '.join(overlapping) or 'none'}.")
    return " ".join(lines)


def _is_lower(change: NDArray[np.float64]) -> bool:
    return bool(change.mean() < -CERTAIN * sem(change))


def _is_reference(name: str) -> bool:
    return name == "initial" or name.endswith("_mi")


def vanulsen_section(cohorts: Mapping[str, Cohort], published: Mapping[str, Any]) -> list[str]:
    """Table 4.1 with the thesis's in italics, over the levels of the thesis."""
    chosen = {title: of_levels(cohorts[name]) for name, title in VANULSEN.items()}
    return vanulsen_table(chosen, published["vanulsen"]).splitlines()


def of_levels(cohort: Cohort) -> Cohort:
    """The vertebrae that the thesis looks at."""
    wanted = set(LEVELS.values())
    return {patient: {n: row for n, row in rows.items() if n in wanted} for patient, rows in cohort.items()}


def cao_section(cohorts: Mapping[str, Cohort], published: Mapping[str, Any]) -> list[str]:
    """Our Table 1 over vertebrae, and the paper's over pelvic organs."""
    chosen = {title: of_levels(cohorts[name]) for name, title in CAO.items() if name in cohorts}
    paper = published["cao"]
    lines = [*cao_table(chosen).splitlines(), "", f"{paper['source']}, of other organs:", ""]
    lines += header(["metric", "organ", *paper["methods"]])
    for metric in ("dice", "mean_surface_mm"):
        lines += [line([METRICS[metric], organ, *cells]) for organ, cells in paper[metric].items()]
    return lines


def gao_section(results: Mapping[str, Sequence[PairResult]], published: Mapping[str, Any]) -> list[str]:
    """Tables 1 to 4 by level, and the paper's averages in a line of their own; it has no folds of study I."""
    lines: list[str] = []
    for name, found in results.items():
        paper = published["gao"][name]
        overlaps = overlap_table(found).splitlines()
        theirs = [f"{v:.3f}" for key in ("dice", "precision", "recall", "assd_mm") for v in paper[key]]
        lines += [f"### {STUDIES[name]}", "", *overlaps, line(["*paper's average*", *theirs]), ""]
        lines += folding_table(found).splitlines()
        if "folded_voxels" in paper:
            their_folds = [number(value) for value in (*paper["folded_voxels"], *paper["folded_percent"])]
            lines.append(line(["*paper's average*", *their_folds]))
        lines.append("")
    return lines


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"
