"""Pictures of one patient by several methods, as in figures 4.3 to 4.5 of van Ulsen 2022."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from ....geometry.jacobian import jacobian_determinant
from ....network.motion import Motion
from ....report.histogram import BIN, SHOWN, bin_shares
from ...training.outcome import Outcome
from .figures import save_small
from .held_out import HeldOutPatient

Slice = NDArray[Any]
COLUMNS = ("MR and CT before", "MR and CT after", "change of the CT", "contours", "det J", "det J in bone")
CONTOURS = {"MR": "lime", "CT before": "red", "CT after": "yellow"}


def draw_patient(path: Path, patient: HeldOutPatient, displacements: Mapping[str, Tensor]) -> None:
    """One patient by every method, in the sagittal slice with most bone: the thesis's figures, turned.

    Args:
        path: of the picture.
        patient: whom to show.
        displacements: (1, 3, Z, Y, X) in mm by the method's name.
    """
    figure = Figure(figsize=(12, 2.7 * len(displacements) + 0.6), layout="constrained")
    grid = figure.subplots(len(displacements), len(COLUMNS), squeeze=False)
    for row, (name, displacement) in zip(grid, displacements.items(), strict=True):
        row[0].set_ylabel(name, fontsize="large")
        determinants = _row(row, patient, displacement)
    figure.colorbar(determinants, ax=grid[:, 4], shrink=0.4)
    for axes, title in zip(grid[0], COLUMNS, strict=True):
        axes.set_title(title, fontsize="medium")
    for axes in grid[:, :-1].ravel():
        axes.set(xticks=[], yticks=[])
    lines = [figure.axes[0].plot([], [], color=color, label=name)[0] for name, color in CONTOURS.items()]
    figure.legend(handles=lines, loc="outside lower center", ncols=len(lines), title="contours")
    save_small(figure, path, 75)


def _row(axes: Any, patient: HeldOutPatient, displacement: Tensor) -> Any:
    """Draw the pictures of one method; returns that of det J."""
    outcome = Outcome(patient.batch, Motion(displacement), patient.spacing_mm)
    labels = [outcome.needed("fixed_labels"), patient.batch.labels, outcome.warped_labels]
    place = int((labels[0] > 0).sum((0, 1, 2, 3)).argmax())
    volumes = (outcome.fixed, patient.batch.moving, outcome.warped)
    mr, before, after = (volume[0, 0, :, :, place].numpy() for volume in volumes)
    for picture, ct in zip(axes, (before, after), strict=False):
        picture.imshow(_overlay(mr, ct), origin="lower")
    axes[2].imshow(np.abs(after - before), cmap="inferno", vmin=0, vmax=0.2, origin="lower")
    axes[3].imshow(mr, cmap="gray", origin="lower")
    for color, volume in zip(CONTOURS.values(), labels, strict=True):
        mask = (volume[0, 0, :, :, place] > 0).numpy().astype(float)
        axes[3].contour(mask, [0.5], colors=color, linewidths=0.9)
    determinant = jacobian_determinant(displacement[0].permute(1, 2, 3, 0).numpy(), patient.grid)
    _histogram(axes[5], determinant[(labels[2][0, 0] > 0).numpy()])
    return axes[4].imshow(
        determinant[:, :, place], cmap="RdBu_r", norm=TwoSlopeNorm(1, 0.5, 1.5), origin="lower"
    )


def _histogram(axes: Any, values: Slice) -> None:
    """Share of the bone's voxels per bin of 0.01; what lies beyond is counted in the outermost bins."""
    shares = bin_shares(values)
    axes.bar(SHOWN[0] + BIN * np.arange(len(shares)), 100 * shares, BIN, color="#0a4a82")
    axes.set(ylim=(0, 100), xlabel=f"mean {values.mean():.3f}, SD {values.std():.3f}")
    axes.set_yticks([0, 50, 100], ["0", "50", "100 %"])


def _overlay(mr: Slice, ct: Slice) -> Slice:
    """MR in grey under the CT's bone in orange."""
    bone = np.clip((ct - 0.36) / 0.2, 0, 1)[..., None]
    return np.clip(np.repeat(mr[..., None], 3, -1) * (1 - 0.6 * bone) + 0.6 * bone * [1, 0.55, 0.12], 0, 1)
