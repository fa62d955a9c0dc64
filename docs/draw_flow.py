"""Draws the way of one case through the engine: `python docs/draw_flow.py` writes `docs/flow.svg`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

PICTURE = Path(__file__).with_name("flow.svg")
STAGES = (
    ("imaging", "reads and checks CT, MR, labels, landmarks; names the vertebrae"),
    ("alignment", "rigid start from body centres, bent as they lie; or found by the images"),
    ("network", "velocity field from (MR, CT) in a box around the spine: one more start per vertebra"),
    ("vertebrae", "one rigid pose per vertebra, all refined together on the images"),
    ("deformation", "rigid in bone, smooth and invertible between; both directions"),
    ("quality", "figures, flags with reasons, failure"),
    ("results", "files on disk; pictures, page and viewer from report"),
)
WAYS_IN = ("3D Slicer panel", "command spine-ctmr", "Python: spine_ctmr.register")
FLOORS = ("geometry: Grid, Pose, sampling, Jacobian, distance", "similarity: MIND-SSC, mutual information")
STEP, WIDTH, HEIGHT = 1.0, 8.6, 0.68
BOX, FLOOR, IN = "#e8eef7", "#eeeeee", "#fdf1dc"


def main() -> None:
    """Write the picture."""
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = PICTURE.name
    rows = len(STAGES) + 2
    figure = Figure(figsize=(9.2, 0.62 * rows))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH + 0.4), ylim=(-0.1, rows * STEP))
    axes.axis("off")
    top = (rows - 1) * STEP
    for number, name in enumerate(WAYS_IN):
        width = WIDTH / 3 - 0.14
        left = 0.2 + number * (WIDTH / 3 + 0.07)
        _box(axes, left, top, width, IN, name)
        _arrow(axes, left + width / 2, top)
    for number, (name, task) in enumerate(STAGES):
        height = top - (number + 1) * STEP
        _box(axes, 0.2, height, WIDTH, BOX, "")
        axes.text(0.45, height + HEIGHT / 2, name, weight="bold", va="center", size=11)
        axes.text(2.1, height + HEIGHT / 2, task, va="center", size=9.5)
        if number < len(STAGES) - 1:
            _arrow(axes, 0.2 + WIDTH / 2, height)
    for number, name in enumerate(FLOORS):
        _box(axes, 0.2 + number * (WIDTH / 2 + 0.05), 0.0, WIDTH / 2 - 0.05, FLOOR, name)
    figure.savefig(PICTURE, metadata={"Date": None})


def _box(axes: Any, left: float, bottom: float, width: float, color: str, text: str) -> None:
    shape = FancyBboxPatch(
        (left, bottom), width, HEIGHT, boxstyle="round,pad=0,rounding_size=0.1", fc=color, ec="#555555"
    )
    axes.add_patch(shape)
    axes.text(left + width / 2, bottom + HEIGHT / 2, text, ha="center", va="center", size=9.5)


def _arrow(axes: Any, x: float, bottom: float) -> None:
    axes.annotate(
        "", (x, bottom - STEP + HEIGHT), (x, bottom), arrowprops={"arrowstyle": "->", "color": "#555555"}
    )


if __name__ == "__main__":
    main()
