"""Contours of bone in the MR: where it is, and where methods bring it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from ....network.motion import Motion
from ...training.outcome import Outcome
from .figures import save_small
from .held_out import HeldOutPatient

TRUE_COLOR, FOUND_COLOR = "#e69f00", "#0072b2"


def draw_contours(path: Path, patient: HeldOutPatient, displacements: Mapping[str, Tensor]) -> None:
    """Sagittal and axial cuts, as in figure 3 of Jian et al. 2022 and figure 4 of Cao et al. 2018.

    Orange is the true bone of the MR, blue that of the moved CT.

    Args:
        path: of the picture.
        patient: whom to show.
        displacements: (1, 3, Z, Y, X) in mm by the method's name.
    """
    true = Outcome(patient.batch, Motion(next(iter(displacements.values()))), patient.spacing_mm).needed(
        "fixed_labels"
    )
    z, _, x = np.median(np.argwhere(true[0, 0].numpy() > 0), axis=0).astype(int)
    figure = Figure(figsize=(2.1 * len(displacements), 5.6), layout="constrained")
    columns = figure.subplots(2, len(displacements), squeeze=False).T
    for axes, (title, displacement) in zip(columns, displacements.items(), strict=True):
        outcome = Outcome(patient.batch, Motion(displacement), patient.spacing_mm)
        volumes = [v[0, 0].numpy() for v in (outcome.fixed, true, outcome.warped_labels)]
        _draw_cut(axes[0], [volume[::-1, :, x] for volume in volumes])
        _draw_cut(axes[1], [volume[z] for volume in volumes])
        axes[0].set_title(title, fontsize=8)
    figure.supxlabel("MR with its true bone (orange) and the bone of the moved CT (blue)", fontsize=9)
    save_small(figure, path, 90)


def _draw_cut(axes: Any, cuts: list[np.ndarray]) -> None:
    """MR, true labels and labels found, with their first row on top."""
    mr, *labels = cuts
    axes.imshow(mr, cmap="gray", interpolation="bilinear")
    for values, color in zip(labels, (TRUE_COLOR, FOUND_COLOR), strict=True):
        if (values > 0).any():
            axes.contour(values > 0, levels=[0.5], colors=color, linewidths=0.8)
    axes.set_axis_off()
