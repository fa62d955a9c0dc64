"""The benchmark's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from .rows import BenchmarkRow
from .summary import Exponent

INK = "#222222"
COLORS, MARKERS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"), "osD^vP"
"""Of the kinds of phantoms (Okabe and Ito's colours, which colour-blind people can tell apart)."""
ROOM = 0.84
"""Height of all violins of a method; methods are 1 apart."""
PANELS = {
    "bone_points": "TRE at bone points, mm",
    "soft_mean": "mean error in soft tissue, mm",
    "rigid_deviation": "not rigid in bone, mm (worst vertebra)",
    "folds": "folding voxels",
    "cpu_s": "CPU seconds",
    "memory_mb": "memory, MB",
}
SCALES = {"soft_mean": "linear", "memory_mb": "linear", "folds": "symlog"}
"""The other axes are logarithmic."""
DPI = 90
SMALLEST = 1e-3
"""Where logarithmic axes begin, in mm or s."""


def draw_accuracy(path: Path, rows: Sequence[BenchmarkRow], titles: Mapping[str, str]) -> None:
    """A panel per measure: violins of the errors at all bone points, a dot per patient for the others.

    Kinds of phantoms lie side by side, each in its colour.
    """
    figure = Figure(figsize=(15, 8.5), layout="constrained")
    axes = figure.subplots(2, 3)
    names = [name for name in titles if any(row.method == name and row.cost for row in rows)][::-1]
    kinds = list(dict.fromkeys(row.kind for row in rows))
    for axis, (measure, label) in zip(axes.ravel(), PANELS.items(), strict=True):
        axis.set_xscale(SCALES.get(measure, "log"))
        for (height, name), (k, kind) in product(enumerate(names), enumerate(kinds)):
            values = _values([row for row in rows if (row.method, row.kind) == (name, kind)], measure)
            values = values if measure in SCALES else np.maximum(values, SMALLEST)
            _draw(axis, height + (len(kinds) - 1 - 2 * k) * ROOM / (2 * len(kinds)), values, k, len(kinds))
        if measure == "folds":
            axis.set_xlim(-0.3, max(10.0, axis.get_xlim()[1]))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_yticks(range(len(names)), [titles[name] for name in names])
        axis.set_ylim(-0.6, len(names) - 0.4)
        axis.set_xlabel(label)
        axis.grid(axis="x", color="#dddddd")
    for axis in axes[:, 1:].ravel():
        axis.tick_params(labelleft=False)
    _name_kinds(figure, kinds)
    figure.savefig(path, dpi=DPI)


def draw_scaling(
    path: Path, fits: Mapping[tuple[str, str], Mapping[str, Exponent]], titles: Mapping[str, str]
) -> None:
    """Cost over size in logarithmic axes, with the fitted exponent of every method."""
    figure = Figure(figsize=(13, 9), layout="constrained")
    axes = figure.subplots(2, 2)
    labels = {"cpu_s": PANELS["cpu_s"], "memory_mb": PANELS["memory_mb"]}
    styles = [("o", "-"), ("s", "--"), ("^", "-."), ("D", ":")]
    for axis, ((size, cost), found) in zip(axes.ravel(), fits.items(), strict=True):
        for k, name in enumerate(titles):
            if name in found:
                marker, dashes = styles[k % len(styles)]
                sizes, costs = np.array(found[name].points).T
                label = f"{titles[name]} ({found[name].exponent:.2f})"
                axis.plot(sizes, costs, marker=marker, linestyle=dashes, label=label)
        axis.set_xscale("log")
        axis.set_yscale("log")
        sizes = sorted({point[0] for fit in found.values() for point in fit.points})
        axis.set_xticks(sizes, [f"{value:,.0f}" for value in sizes])
        axis.minorticks_off()
        every = [cost for fit in found.values() for _, cost in fit.points] or [1.0]
        marks = np.geomspace(min(every), max(every), 5)
        axis.set_yticks(marks, [f"{mark:.2g}" if mark < 100 else f"{mark:.0f}" for mark in marks])
        axis.set_xlabel(size)
        axis.set_ylabel(labels[cost])
        axis.grid(color="#dddddd")
        if found:
            axis.legend(fontsize=8)
    figure.savefig(path, dpi=DPI)


def _values(rows: Sequence[BenchmarkRow], measure: str) -> NDArray[Any]:
    """All values of a method: one per bone point, or one per patient."""
    if measure == "bone_points":
        return np.array([error for row in rows if row.measures for error in row.measures.bone_points or ()])
    values = [row.flat().get(measure) for row in rows]
    return np.array([value for value in values if value is not None], float)


def _draw(axis: Any, height: float, values: NDArray[Any], kind: int, kinds: int) -> None:
    """A violin of many values, smoothed by 0.05 decades, with median and quartiles; few values as dots."""
    color, marker = _style(kind)
    if len(values) > 20:
        logs = np.log10(values)
        edges = np.arange(logs.min() - 0.15, logs.max() + 0.15, 0.01)
        density = gaussian_filter1d(np.histogram(logs, edges)[0].astype(float), 5)
        half = ROOM / (2 * kinds) * density / density.max()
        places = 10 ** ((edges[1:] + edges[:-1]) / 2)
        axis.fill_between(places, height - half, height + half, color=color, alpha=0.5, linewidth=0)
        axis.plot(np.percentile(values, [25, 75]), [height, height], color=INK, linewidth=2.5)
        axis.plot(np.median(values), height, "o", color="white", markeredgecolor=INK, markersize=6)
    else:
        axis.plot(values, np.full(len(values), height), marker, color=color, alpha=0.9)


def _name_kinds(figure: Any, kinds: Sequence[str]) -> None:
    """A legend below the panels, where there are several kinds."""
    if len(kinds) > 1:
        styles = [_style(k) for k in range(len(kinds))]
        marks = [Line2D([], [], color=color, marker=marker, linestyle="") for color, marker in styles]
        figure.legend(marks, kinds, loc="outside lower center", ncols=len(kinds))


def _style(kind: int) -> tuple[str, str]:
    return COLORS[kind % len(COLORS)], MARKERS[kind % len(MARKERS)]
