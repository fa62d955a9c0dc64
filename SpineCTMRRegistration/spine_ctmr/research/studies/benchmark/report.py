"""The benchmark's page, tables and figures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .... import __version__
from ....evaluation.markdown import header, line, number
from ..kernel import write_csv, write_page
from .figures import draw_accuracy, draw_scaling
from .methods import ENGINE, Peer
from .patients import ACCURACY, CASES, REAL, VERTEBRAE, VOLUME
from .rows import BenchmarkRow
from .summary import Exponent, cost_ratio, exponents, means

ERRORS = {
    "bone_mean": "bone",
    "bone_worst": "worst vertebra",
    "soft_mean": "soft tissue",
    "landmarks_mean": "landmarks",
    "rigid_deviation": "not rigid in bone",
    "folds": "folds",
}
COSTS = {"cpu_s": "CPU s", "wall_s": "wall s", "memory_mb": "MB"}
EXPLANATION = (
    "Errors in mm: mean over bone, mean of the worst vertebra of all patients, mean over soft tissue within "
    "25 mm of bone, mean at landmarks, RMS distance from the best rigid fit in the worst vertebra; folds are "
    "voxels with det J ≤ 0. Every method ran in a process of its own, one after the other, from the same "
    "rigid start. Costs are those of the registration itself; the memory is that of the whole process. CPU "
    "seconds count all threads, user and system. Ratios compare with {engine} on the same patient in the "
    "same run; on a machine that does other work only ratios of CPU seconds mean something."
)


def write_report(output: Path, rows: Sequence[BenchmarkRow], peers: Sequence[Peer], threads: int) -> Path:
    """Write benchmark.md, .csv, .json, benchmark.png and scaling.png; return the path of the first.

    Args:
        output: an existing folder.
        rows: all registrations so far.
        peers: methods that were asked for, also those whose package is missing.
        threads: that were given to the methods.
    """
    titles = {peer.name: peer.title for peer in peers}
    write_csv(output / "benchmark.csv", [row.flat() for row in rows])
    everything = {"machine": _machine(), "rows": [asdict(row) for row in rows]}
    (output / "benchmark.json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    lines = ["# Benchmark", "", _conditions(rows, threads), ""]
    for heading, chosen in _groups(rows).items():
        lines += [f"## {heading}", "", *_table(chosen, titles), ""]
    if any(row.series == ACCURACY and row.measures for row in rows):
        draw_accuracy(output / "benchmark.png", [row for row in rows if row.series == ACCURACY], titles)
        lines += ["![](benchmark.png)", ""]
    lines += _scaling(output, rows, titles)
    lines += [EXPLANATION.format(engine=ENGINE.title), "", *_absent(rows, peers, titles)]
    return write_page(output / "benchmark.md", lines)


def _groups(rows: Sequence[BenchmarkRow]) -> dict[str, list[BenchmarkRow]]:
    """The rows of each table by its heading: one per kind of phantoms, per case, and for the real pair."""
    groups: dict[str, list[BenchmarkRow]] = {}
    for row in rows:
        if row.series == ACCURACY:
            groups.setdefault(f"Phantoms with known truth: {row.kind}", []).append(row)
        if row.series == CASES:
            groups.setdefault(f"Case {row.kind}", []).append(row)
    real = [row for row in rows if row.series == REAL]
    return {**groups, "Real pair": real} if real else groups


def _machine() -> dict[str, object]:
    return {
        "software": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }


def _conditions(rows: Sequence[BenchmarkRow], threads: int) -> str:
    """One paragraph: whom, where, and how busy the machine was."""
    vertebrae = {row.patient: row.vertebrae for row in rows if row.series == ACCURACY}
    loads = [row.load for row in rows if row.load is not None]
    busy = (
        f"; the load of the machine was {min(loads)} to {max(loads)} (median {np.median(loads):.1f})"
        if loads
        else ""
    )
    return (
        f"{_count(len(vertebrae), 'phantom')} with {_count(sum(vertebrae.values()), 'vertebra', 'e')}; "
        f"SpineCTMRRegistration {__version__}; {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, {_count(threads, 'thread')} per method{busy}."
    )


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{'' if number == 1 else plural}"


def _table(rows: Sequence[BenchmarkRow], titles: Mapping[str, str]) -> list[str]:
    """A line per method, with the columns that were measured."""
    by_method = {name: [r for r in rows if r.method == name and r.cost] for name in titles}
    averages = {name: means(found) for name, found in by_method.items() if found}
    known = [key for key in ERRORS if any(np.isfinite(row[key]) for row in averages.values())]
    lines = header(
        ["method", "patients", *(ERRORS[key] for key in known), *COSTS.values(), "CPU ratio", "memory ratio"]
    )
    reference = by_method.get(ENGINE.name, [])
    for name, row in averages.items():
        cells = [_cell(key, row[key]) for key in (*known, *COSTS)]
        ratios = [cost_ratio(by_method[name], reference, cost) for cost in ("cpu_s", "memory_mb")]
        lines.append(
            line([titles[name], str(len(by_method[name])), *cells, *(number(ratio) for ratio in ratios)])
        )
    return lines


def _cell(key: str, value: float) -> str:
    if not np.isfinite(value):
        return "–"
    digits = {"folds": 0, "memory_mb": 0, "cpu_s": 1, "wall_s": 1, "rigid_deviation": 3, "soft_mean": 2}
    return f"{value:.{digits.get(key, 3)}f}"


def _scaling(output: Path, rows: Sequence[BenchmarkRow], titles: Mapping[str, str]) -> list[str]:
    """The exponents of both series, where they were run."""
    fits = {}
    for series, size in ((VERTEBRAE, "vertebrae"), (VOLUME, "voxels")):
        chosen = [row for row in rows if row.series == series and row.cost]
        for cost in ("cpu_s", "memory_mb"):
            found = exponents(chosen, cost, lambda row, size=size: getattr(row, size))  # type: ignore[misc]
            fits[size, cost] = {fit.method: fit for fit in found}
    if not any(fits.values()):
        return []
    draw_scaling(output / "scaling.png", fits, titles)
    lines = [
        "## Growth",
        "",
        "Exponents p of cost ~ size^p, fitted to the logarithms of the costs listed.",
        "",
    ]
    for (size, cost), fit in fits.items():
        if fit:
            lines += [*_growth(f"{COSTS[cost]} over {size}", fit, titles), ""]
    return [*lines, "![](scaling.png)", ""]


def _growth(title: str, fits: Mapping[str, Exponent], titles: Mapping[str, str]) -> list[str]:
    """A line per method with its costs at every size and the exponent."""
    sizes = sorted({size for fit in fits.values() for size, _ in fit.points})
    lines = header([title, *(f"{size:,.0f}" for size in sizes), "exponent"])
    for name in (name for name in titles if name in fits):
        costs = dict(fits[name].points)
        cells = [
            f"{costs[size]:.{0 if max(costs.values()) > 100 else 1}f}" if size in costs else "–"
            for size in sizes
        ]
        lines.append(line([titles[name], *cells, f"{fits[name].exponent:.2f}"]))
    return lines


def _absent(rows: Sequence[BenchmarkRow], peers: Sequence[Peer], titles: Mapping[str, str]) -> list[str]:
    """Failures and skipped methods, one line each."""
    lines = [f"- {titles[row.method]} on {row.patient}: {row.failure}." for row in rows if row.failure]
    lines += [
        f"- {peer.title}: skipped, because the package {peer.package} is not installed."
        for peer in peers
        if peer.is_missing
    ]
    return ["Without a result:", "", *lines] if lines else []
