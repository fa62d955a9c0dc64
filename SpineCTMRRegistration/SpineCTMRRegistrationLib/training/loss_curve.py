"""A picture of how training went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .run_log import read_log


def draw_loss_curve(run_dir: Path) -> Path:
    """Write loss.png: the training loss, and the validation errors beside the zero displacement's."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = read_log(run_dir / "steps.csv")
    loss = _column(steps, "loss")
    left.plot(_column(steps, "step"), loss, color="0.8", linewidth=0.5)
    width = max(len(loss) // 50, 1)
    left.plot(_column(steps, "step")[width - 1 :], np.convolve(loss, np.ones(width) / width, "valid"))
    left.set(xlabel="step", ylabel="training loss", yscale="log")
    rows = read_log(run_dir / "validation.csv")
    for key, style in (
        ("bone_mm", "C0-"),
        ("soft_mm", "C1-"),
        ("zero_bone_mm", "C0:"),
        ("zero_soft_mm", "C1:"),
    ):
        label = key.removesuffix("_mm").replace("_", " displacement, ")
        right.plot(_column(rows, "step"), _column(rows, key), style, label=label)
    right.set(xlabel="step", ylabel="mean displacement error (mm)", ylim=(0, None))
    right.legend()
    path = run_dir / "loss.png"
    figure.savefig(path, dpi=120)
    return path


def _column(rows: list[dict[str, str]], name: str) -> NDArray[np.float64]:
    return np.array([float(row[name]) for row in rows])
