"""A picture of how training went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .run_log import read_log

_ERRORS = (("bone_mm", "C0-"), ("soft_mm", "C1-"), ("zero_bone_mm", "C0:"), ("zero_soft_mm", "C1:"))


def draw_loss_curve(run_dir: Path) -> Path:
    """Write loss.png: the training loss with its terms, and the validation."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_training(left, read_log(run_dir / "steps.csv"))
    _draw_validation(right, read_log(run_dir / "validation.csv"))
    path = run_dir / "loss.png"
    figure.savefig(path, dpi=120)
    return path


def _draw_training(axes: Any, rows: list[dict[str, str]]) -> None:
    steps = _column(rows, "step")
    width = max(len(rows) // 50, 1)
    axes.plot(steps, _column(rows, "loss"), color="0.85", linewidth=0.5)
    for name in rows[0] if rows else ():
        if name not in ("step", "learning_rate", "bfloat16", "seconds"):
            values = _column(rows, name)
            known = np.isfinite(values)
            if known.sum() < width:
                continue
            smooth = np.convolve(values[known], np.ones(width) / width, "valid")
            style = {"color": "k", "linewidth": 2} if name == "loss" else {"linewidth": 1}
            axes.plot(steps[known][width - 1 :], smooth, label=name.replace("_", " "), **style)
    scale = "log" if (_column(rows, "loss") > 0).all() else "linear"
    axes.set(xlabel="step", ylabel="training loss (terms unweighted)", yscale=scale)
    axes.legend(fontsize="small")


def _draw_validation(axes: Any, rows: list[dict[str, str]]) -> None:
    steps = _column(rows, "step")
    if np.isfinite(_column(rows, "bone_mm")).any():
        for key, style in _ERRORS:
            label = key.removesuffix("_mm").replace("zero_", "no registration, ")
            axes.plot(steps, _column(rows, key), style, marker=".", label=label)
        axes.set(ylabel="validation: mean displacement error (mm)", ylim=(0, None))
    else:
        key = "dice" if np.isfinite(_column(rows, "dice")).any() else "loss"
        axes.plot(steps, _column(rows, key), marker=".", label=key)
        axes.set(ylabel=f"validation: {key}")
    axes.set(xlabel="step")
    axes.legend(fontsize="small")


def _column(rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    return np.array([float(row[name] or "nan") for row in rows])
