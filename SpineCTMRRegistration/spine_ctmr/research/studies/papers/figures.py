"""The page's pictures over many patients: violins, loss curves."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ....evaluation.cohort import Cohort
from ....evaluation.tables import TITLES
from ...training.run_log import read_log

VIOLIN_METRICS = ("dice", "mean_surface_mm", "hd99_mm")
PALETTE = 256
COLORS = ("#7f7f7f", "#1f77b4", "#17becf", "#d62728", "#ff7f0e")


def draw_violins(path: Path, cohorts: Mapping[str, Cohort], levels: Mapping[str, int]) -> None:
    """Figure 4.2 of van Ulsen 2022: overlap and surface distances of every method by level.

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


def draw_folding(path: Path, overall: Mapping[float, Mapping[str, np.ndarray]]) -> None:
    """Figure 4.1 of van Ulsen 2022: share of folding voxels, and beside it the error in bone, by weight.

    Args:
        path: of the picture.
        overall: values over the patients by the thesis's weight of the smoothness and key of
            `measures.OVERALL`.
    """
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    titles = {"folding_percent": "folding voxels, %", "bone_mm": "error in bone, mm"}
    for axes, (key, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        means = [values[key].mean() for values in overall.values()]
        errors = [values[key].std(ddof=1) / np.sqrt(len(values[key])) for values in overall.values()]
        axes.errorbar(list(overall), means, errors, marker="o", capsize=3, color="C0")
        axes.set(xscale="log", xlabel="weight of the smoothness", ylabel=title, ylim=(0, None))
        axes.set_xticks(list(overall), [f"{weight:g}" for weight in overall])
        axes.set_xticks([], minor=True)
        axes.grid(color="0.9")
    save_small(figure, path, 80)


def draw_losses(path: Path, runs: Sequence[Path]) -> None:
    """The training loss of every run with its validation at the same weights."""
    columns = 3
    figure = Figure(figsize=(11, 2.6 * -(-len(runs) // columns)), layout="constrained")
    grid = figure.subplots(-(-len(runs) // columns), columns, squeeze=False)
    for axes, run in zip(grid.ravel(), runs, strict=False):
        rows = read_log(run / "steps.csv")
        steps, losses = (np.array([float(row[key]) for row in rows]) for key in ("step", "loss"))
        window = max(len(rows) // 12, 1)
        axes.plot(steps, losses, color="0.8", linewidth=0.7)
        smooth = np.convolve(losses, np.ones(window) / window, "valid")
        axes.plot(steps[window - 1 :], smooth, color="k", label="training, running mean")
        held = read_log(run / "validation.csv")
        axes.plot(
            [float(row["step"]) for row in held],
            [float(row["loss"]) for row in held],
            "o",
            color="C1",
            label="held out",
        )
        axes.set_title(run.name, fontsize="medium")
        axes.set_xlabel("step")
    grid[0, 0].legend(fontsize="x-small")
    for axes in grid.ravel()[len(runs) :]:
        axes.set_axis_off()
    save_small(figure, path, 80)


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
