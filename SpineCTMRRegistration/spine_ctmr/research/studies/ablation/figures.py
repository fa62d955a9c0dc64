"""The ablation's pictures: the measures as boxes, what the networks have learned, and one test patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from ....network.motion import Motion
from ...training.batch import Batch
from ...training.outcome import Outcome
from ...training.recipe import Recipe
from ...training.run_log import read_log
from .rows import BASELINE, COLUMNS, LABELS, UNTRAINED, Rows

BOXES, LEARNING, PATIENT = "ablation.png", "learning.png", "patient.png"
SHOWN_ROWS = ("initial", "staring", BASELINE, "jian_pc_rigid_dice", "synthetic_truth", "full")
TRUE_COLOUR, FOUND_COLOUR = "#f0e442", "#56b4e9"


def draw_boxes(rows: Rows, path: Path) -> None:
    """Boxes over the test patients, as in the paper's figure 2."""
    figure = Figure(figsize=(13, 4.5), layout="constrained")
    labels = [LABELS[row] for row in rows]
    for axes, column in zip(
        figure.subplots(1, 4, sharey=True), ("dsc", "rigid_dsc", "volume_percent", "bone_mm"), strict=True
    ):
        samples = [values[column][np.isfinite(values[column])] for values in rows.values()]
        axes.boxplot(samples, vert=False, tick_labels=labels, widths=0.6, flierprops={"markersize": 3})
        axes.set(title=COLUMNS[column])
        axes.grid(axis="x", color="0.9")
    figure.axes[0].invert_yaxis()
    figure.savefig(path, dpi=120)


def draw_learning(output: Path, rows: Rows, recipes: Sequence[Recipe], path: Path) -> None:
    """Error in bone: over the steps on held-out patients, without and with training on test patients."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for recipe in recipes:
        log = read_log(output / recipe.name / "validation.csv")
        steps = [int(row["step"]) for row in log]
        style: dict[str, Any] = {"linewidth": 2} if recipe.name == BASELINE else {"linewidth": 1}
        left.plot(steps, [float(row["bone_mm"]) for row in log], label=LABELS[recipe.name], **style)
        if recipe.name == BASELINE and log:
            left.axhline(float(log[0]["zero_bone_mm"]), color="0.5", linestyle=":", label=LABELS["initial"])
    left.set(xlabel="training step", ylabel="error in bone (mm), held-out patients", ylim=(0, None))
    left.legend(fontsize="x-small", ncols=2)
    if BASELINE in rows:
        _draw_gain(right, rows)
    figure.savefig(path, dpi=120)


def _draw_gain(axes: Any, rows: Rows) -> None:
    """One point for each test patient: below the diagonal the baseline is better."""
    after = rows[BASELINE]["bone_mm"]
    largest = 0.0
    for name, marker in (("initial", "o"), (UNTRAINED, "x")):
        if name in rows:
            before = rows[name]["bone_mm"]
            axes.scatter(before, after, marker=marker, s=25, label=LABELS[name])
            largest = max(largest, float(np.nanmax([before, after])))
    axes.plot([0, largest], [0, largest], color="0.5", linewidth=1)
    axes.set(xlabel="error in bone (mm) without the training", ylabel="error in bone (mm) of the baseline")
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.legend(fontsize="small")


def keep_motion(output: Path, row: str, displacement: Tensor) -> None:
    """Keep the displacement (1, 3, Z, Y, X) in mm of the patient in the picture."""
    folder = output / "shown"
    folder.mkdir(exist_ok=True)
    np.save(folder / f"{row}.npy", displacement.numpy().astype(np.float32))


def draw_patient(output: Path, batch: Batch, spacing_mm: float) -> None:
    """Sagittal and axial cuts of a test patient's MR with the true bone and that of the moved CT."""
    kept = {row: output / "shown" / f"{row}.npy" for row in SHOWN_ROWS}
    motions = {row: torch.from_numpy(np.load(path)) for row, path in kept.items() if path.exists()}
    true = batch.fixed_labels
    if true is None or not motions:
        return
    z, _, x = np.median(np.argwhere(true[0, 0].numpy() > 0), axis=0).astype(int)
    figure = Figure(figsize=(2.1 * len(motions), 5.6), layout="constrained")
    for axes, (row, displacement) in zip(
        figure.subplots(2, len(motions), squeeze=False).T, motions.items(), strict=True
    ):
        found = Outcome(batch, Motion(displacement), spacing_mm).warped_labels
        volumes = [volume[0, 0].numpy() for volume in (batch.fixed, true, found)]
        _draw_cut(axes[0], [volume[::-1, :, x] for volume in volumes])
        _draw_cut(axes[1], [volume[z] for volume in volumes])
        axes[0].set_title(LABELS[row], fontsize=8)
    figure.supxlabel("MR with its true bone (yellow) and the bone of the moved CT (blue)", fontsize=9)
    figure.savefig(output / PATIENT, dpi=130)


def _draw_cut(axes: Any, cuts: list[NDArray[Any]]) -> None:
    """MR, true labels and labels found, with their first row on top."""
    mr, *labels = cuts
    axes.imshow(mr, cmap="gray", interpolation="bilinear")
    for values, colour in zip(labels, (TRUE_COLOUR, FOUND_COLOUR), strict=True):
        if (values > 0).any():
            axes.contour(values > 0, levels=[0.5], colors=colour, linewidths=0.8)
    axes.set_axis_off()
