"""Errors and uncertainties, and what the doubt makes of both, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ....quality.doubt import RULE
from .fit import doubts_of, flags_of
from .observations import ACCURATE_MM, FAILED_MM, Observation
from .scenarios import ANOTHER_PATIENT

NO_ANSWER_MM = 100.0
"""Where vertebrae of another patient are drawn."""
COLOURS = {"good": "#0072B2", "check": "#E69F00", "do not use": "#D55E00"}


def draw(observations: Sequence[Observation], path: Path) -> None:
    """Write the picture as PNG."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    doubts = doubts_of(observations)
    uncertainties = np.array([o.row.uncertainty_mm for o in observations])
    _cloud(left, observations, doubts)
    left.set(xlabel="doubt", ylabel="error of the pose over the bone, mm", title="held-out patients")
    for place, style in ((RULE.good_below, "-"), (RULE.refuse_above, ":")):
        left.axvline(place, color="0.3", lw=1, ls=style)
    answered = [o.scenario != ANOTHER_PATIENT for o in observations]
    _cloud(right, [o for o, a in zip(observations, answered, strict=True) if a], uncertainties[answered])
    sizes = np.geomspace(0.1, 5)
    right.plot(sizes, 2 * sizes, color="0.3", lw=1, label="twice the uncertainty")
    right.set(xscale="log", xlabel="uncertainty, mm", title="with a right answer")
    right.legend(fontsize=7)
    figure.savefig(path, dpi=110)


def _cloud(axes: Axes, observations: Sequence[Observation], places: NDArray[Any]) -> None:
    errors = np.array([min(o.tre_mm, NO_ANSWER_MM) for o in observations])
    flags = np.array(flags_of(observations))
    for flag, colour in COLOURS.items():
        mine = flags == flag
        axes.scatter(places[mine], errors[mine], s=12, color=colour, alpha=0.6, label=flag)
    axes.set(yscale="log")
    for limit in (ACCURATE_MM, FAILED_MM):
        axes.axhline(limit, color="0.6", lw=0.8)
    axes.legend(fontsize=7)
