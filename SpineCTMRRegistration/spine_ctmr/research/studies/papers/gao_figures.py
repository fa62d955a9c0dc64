"""Figures 5 and 6 of Gao and Zheng 2022."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...training.outcome import Outcome
from ...training.run_log import read_log
from ..networks.figures import draw_running_mean, save_small

STAGES = {"affine_local_correlation": "affine", "local_correlation": "affine and deformable"}
TITLES = ("moving", "fixed", "affine", "final", "field", "grid")
CUTS = {"axial": 0, "sagittal": 2}
"""Axes of an array (z, y, x) across which the cuts lie."""
Slice = NDArray[Any]


def draw_stage_losses(path: Path, runs: Mapping[str, Path]) -> None:
    """Loss curves of the affine and of the deformable registration, by the network's title."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, (column, title) in zip(figure.subplots(1, 2), STAGES.items(), strict=True):
        for color, (name, run) in zip(("C0", "C1"), runs.items(), strict=True):
            rows = read_log(run / "steps.csv")
            steps, losses = (np.array([float(row[key]) for row in rows]) for key in ("step", column))
            draw_running_mean(axes, steps, losses, color, name)
        axes.set(title=title, xlabel="step", ylabel="- LNCC")
        axes.legend(fontsize="small")
    save_small(figure, path, 80)


def draw_vertebra_pair(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Images, field in colours and as a grid, in the middle axial and sagittal slices.

    Args:
        path: of the picture.
        outcomes: of the same pair of vertebrae by the network's title.
    """
    figure = Figure(figsize=(12, 2.2 * len(outcomes) * len(CUTS)), layout="constrained")
    rows = figure.subplots(len(outcomes) * len(CUTS), len(TITLES), squeeze=False)
    for k, (name, outcome) in enumerate(outcomes.items()):
        for row, (cut, axis) in zip(rows[len(CUTS) * k :], CUTS.items(), strict=False):
            _draw_row(row, outcome, axis)
            row[0].set_ylabel(f"{name}\n{cut}".replace(" (", "\n("), fontsize="small")
    for axes, title in zip(rows[0], TITLES, strict=True):
        axes.set_title(title)
    for axes in rows.ravel():
        axes.set(xticks=[], yticks=[])
    save_small(figure, path, 70)


def _draw_row(row: Any, outcome: Outcome, axis: int) -> None:
    """One pair across an axis of its arrays, from above or with the head up."""
    across = [c for c in (2, 1, 0) if c != axis]
    columns, lines = across  # of the picture, as axes of the arrays
    middle = outcome.fixed.shape[2 + axis] // 2
    origin = "upper" if axis == 0 else "lower"
    pictures = (outcome.batch.moving, outcome.fixed, outcome.affine_stage.warped, outcome.warped)
    for axes, picture in zip(row, pictures, strict=False):
        axes.imshow(picture[0, 0].select(axis, middle), cmap="gray", vmin=0, vmax=0.8, origin=origin)
    field = outcome.displacement[0].select(1 + axis, middle).numpy()
    largest = max(float(np.abs(field).max()), 1e-6)
    row[4].imshow(np.moveaxis(0.5 + field / (2 * largest), 0, -1), origin=origin)
    row[4].set_xlabel(f"± {largest:.1f} mm", fontsize="small")
    voxels = field / outcome.spacing_mm
    _grid_lines(row[5], voxels[2 - columns], voxels[2 - lines])
    if axis == 0:
        row[5].invert_yaxis()


def _grid_lines(axes: Any, along: Slice, down: Slice, step: int = 4) -> None:
    """Where a regular grid goes, in voxels of the picture."""
    y, x = np.meshgrid(*(np.arange(n) for n in along.shape), indexing="ij")
    moved_x, moved_y = x + along, y + down
    for k in range(0, along.shape[0], step):
        axes.plot(moved_x[k], moved_y[k], color="k", linewidth=0.5)
    for k in range(0, along.shape[1], step):
        axes.plot(moved_x[:, k], moved_y[:, k], color="k", linewidth=0.5)
    axes.set_aspect("equal")
