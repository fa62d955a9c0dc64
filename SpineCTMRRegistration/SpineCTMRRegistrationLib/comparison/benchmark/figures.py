"""The benchmark's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .rows import Row
from .summary import Exponent

INK, BOX, DOT = "#222222", "#9ecae1", "#08519c"
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
SMALLEST = 1e-3
"""Where logarithmic axes begin, in mm or s."""


def draw_accuracy(path: Path, rows: Sequence[Row], titles: Mapping[str, str]) -> None:
    """A panel per measure with a box (quartiles, whiskers to 5 and 95 %) or a dot per patient."""
    figure, axes = _canvas(2, 3, (15, 7.5))
    names = [name for name in titles if any(row.method == name and row.cost for row in rows)][::-1]
    for axis, (measure, label) in zip(axes.ravel(), PANELS.items(), strict=True):
        for height, name in enumerate(names):
            values = _values([row for row in rows if row.method == name], measure)
            _draw(axis, height, values if measure in SCALES else np.maximum(values, SMALLEST))
        axis.set_xscale(SCALES.get(measure, "log"))
        if measure == "folds":
            axis.set_xlim(-0.3, max(10.0, axis.get_xlim()[1]))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_yticks(range(len(names)), [titles[name] for name in names])
        axis.set_ylim(-0.6, len(names) - 0.4)
        axis.set_xlabel(label)
        axis.grid(axis="x", color="#dddddd")
    for axis in axes[:, 1:].ravel():
        axis.tick_params(labelleft=False)
    _save(figure, path)


def draw_scaling(
    path: Path, fits: Mapping[tuple[str, str], Mapping[str, Exponent]], titles: Mapping[str, str]
) -> None:
    """Cost over size in logarithmic axes, with the fitted exponent of every method."""
    figure, axes = _canvas(2, 2, (13, 9))
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
        axis.set_xlabel(size)
        axis.set_ylabel(labels[cost])
        axis.grid(color="#dddddd")
        if found:
            axis.legend(fontsize=8)
    _save(figure, path)


def _values(rows: Sequence[Row], measure: str) -> np.ndarray:
    """All values of a method: one per bone point, or one per patient."""
    if measure == "bone_points":
        return np.array([error for row in rows if row.measures for error in row.measures.bone_points or ()])
    values = [row.flat().get(measure) for row in rows]
    return np.array([value for value in values if value is not None], float)


def _draw(axis: Any, height: int, values: np.ndarray) -> None:
    if len(values) > 20:
        axis.boxplot(
            values,
            positions=[height],
            orientation="horizontal",
            widths=0.6,
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": BOX},
            medianprops={"color": INK},
        )
    else:
        axis.plot(values, np.full(len(values), height), "o", color=DOT, alpha=0.8)


def _canvas(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=90)
