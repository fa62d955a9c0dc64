"""Figures 3.3 and 4.1 of van Ulsen 2022."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import gaussian_kde

from ..networks.figures import save_small
from ..networks.held_out import HeldOutPatient
from ..networks.results import Overall

SAMPLES = 4000
"""Voxels of an image, of which its density is estimated."""


def draw_intensities(path: Path, patients: Sequence[HeldOutPatient]) -> None:
    """Densities of the scaled intensities of CT and MR, a line for each image."""
    figure = Figure(figsize=(7, 2.8), layout="constrained")
    values = np.linspace(0, 1, 200)
    for axes, name in zip(figure.subplots(1, 2), ("CT", "MR"), strict=True):
        for patient in patients:
            batch = patient.batch
            image = (batch.moving if name == "CT" else batch.fixed)[batch.weight > 0].numpy()
            drawn = np.random.default_rng(0).choice(image, SAMPLES)
            axes.plot(values, gaussian_kde(drawn + 1e-6 * np.arange(SAMPLES))(values))
        axes.set(title=name, xlabel="scaled intensity", ylabel="density")
    save_small(figure, path, 80)


def draw_folding(path: Path, overall: Mapping[float, Overall]) -> None:
    """Share of folding voxels, and beside it the error in bone, by weight.

    Args:
        path: of the picture.
        overall: values over the patients by the thesis's weight of the smoothness.
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
