"""Pictures over many patients: violins, boxes, loss curves."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ....evaluation.cohort import Cohort
from ....evaluation.evaluation_files import TITLES
from ...training.run_log import read_log
from .measures import OVERALL
from .results import Overall

VIOLIN_METRICS = ("dice", "mean_surface_mm", "hd99_mm")
PALETTE = 256
COLORS = ("#7f7f7f", "#1f77b4", "#17becf", "#d62728", "#ff7f0e")


def draw_violins(path: Path, cohorts: Mapping[str, Cohort], levels: Mapping[str, int]) -> None:
    """Overlap and surface distances of every method by level, as in figure 4.2 of van Ulsen 2022.

    Args:
        path: of the picture.
        cohorts: evaluations of the same patients by the method's name.
        levels: VerSe numbers by name, in order.
    """
    figure = Figure(figsize=(9, 8), layout="constrained")
    width = 0.8 / len(cohorts)
    for axes, metric in zip(figure.subplots(len(VIOLIN_METRICS), 1), VIOLIN_METRICS, strict=True):
        for k, (color, (method, cohort)) in enumerate(zip(COLORS, cohorts.items(), strict=False)):
            for place, number in enumerate(levels.values()):
                values = _values(cohort, number, metric)
                where = place + (k - (len(cohorts) - 1) / 2) * width
                _violin(axes, where, 0.9 * width, values, color)
            axes.plot([], [], color=color, linewidth=5, alpha=0.5, label=method)
        axes.set_xticks(range(len(levels)), list(levels))
        axes.set_ylabel(TITLES[metric])
        axes.grid(axis="y", color="0.9")
    figure.axes[0].legend(ncols=len(cohorts), fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0))
    save_small(figure, path, 80)


def draw_boxes(path: Path, results: Mapping[str, Overall], keys: Sequence[str]) -> None:
    """Boxes over the test patients, as in figure 2 of Jian et al. 2022, by title."""
    figure = Figure(figsize=(3.2 * len(keys), 0.9 + 0.27 * len(results)), layout="constrained")
    for axes, key in zip(figure.subplots(1, len(keys), sharey=True), keys, strict=True):
        samples = [overall[key][np.isfinite(overall[key])] for overall in results.values()]
        axes.boxplot(samples, vert=False, tick_labels=list(results), widths=0.6, flierprops={"markersize": 3})
        axes.set(title=OVERALL[key])
        axes.grid(axis="x", color="0.9")
    figure.axes[0].invert_yaxis()
    save_small(figure, path, 90)


def draw_losses(path: Path, runs: Mapping[str, Path]) -> None:
    """The training loss of every run with its validation at the same weights, by title."""
    columns = 3
    figure = Figure(figsize=(11, 2.6 * -(-len(runs) // columns)), layout="constrained")
    grid = figure.subplots(-(-len(runs) // columns), columns, squeeze=False)
    for axes, (title, run) in zip(grid.ravel(), runs.items(), strict=False):
        rows = read_log(run / "steps.csv")
        steps, losses = (np.array([float(row[key]) for row in rows]) for key in ("step", "loss"))
        draw_running_mean(axes, steps, losses, "k", "training, running mean")
        held = read_log(run / "validation.csv")
        axes.plot(
            [float(row["step"]) for row in held],
            [float(row["loss"]) for row in held],
            "o",
            color="C1",
            label="held out",
        )
        axes.set_title(title, fontsize="medium")
        axes.set_xlabel("step")
    grid[0, 0].legend(fontsize="x-small")
    for axes in grid.ravel()[len(runs) :]:
        axes.set_axis_off()
    save_small(figure, path, 80)


def draw_running_mean(axes: Any, steps: np.ndarray, values: np.ndarray, color: str, label: str) -> None:
    """Values over the steps in grey, and their mean over a twelfth of them."""
    window = max(len(values) // 12, 1)
    axes.plot(steps, values, color="0.8", linewidth=0.7)
    if len(values) >= window:
        smooth = np.convolve(values, np.ones(window) / window, "valid")
        axes.plot(steps[window - 1 :], smooth, color=color, label=label)


def save_small(figure: Figure, path: Path, dpi: float) -> None:
    """Write a figure as PNG of `PALETTE` colours, a third of the size of one in full colours."""
    stream = io.BytesIO()
    figure.savefig(stream, dpi=dpi)
    with Image.open(stream) as picture:
        full = picture.convert("RGB")
    colors = full.quantize(PALETTE, Image.Quantize.MAXCOVERAGE)
    full.quantize(palette=colors, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def _violin(axes: Any, where: float, width: float, values: np.ndarray, color: str) -> None:
    """The shape of a sample with its median and quartiles; single points where there are few."""
    if len(values) > 3 and np.ptp(values) > 0:
        parts = axes.violinplot(values, [where], widths=width, showextrema=False)
        parts["bodies"][0].set(facecolor=color, alpha=0.5)
    if len(values):
        q1, middle, q3 = np.percentile(values, [25, 50, 75])
        axes.plot([where, where], [q1, q3], color=color, linewidth=2)
        axes.plot(where, middle, "o", color="k", markersize=3)


def _values(cohort: Cohort, number: int, metric: str) -> np.ndarray:
    values = [rows[number].get(metric, np.nan) for rows in cohort.values() if number in rows]
    return np.array([value for value in values if np.isfinite(value)])
