"""Draws the rooms of the engine as its import statements connect them: `python Testing/draw_rooms.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from walls import FLOORS, links

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "rooms.svg"
WIDTH, STEP, HEIGHT, BOX = 8.6, 1.0, 0.5, 1.45
SHIFT = 0.28
"""Of every floor against the next, so that lines can be told apart."""
CAPTION = "A line leads down to a room that is imported; lines that others imply are left out."


def main() -> None:
    """Write `docs/rooms.svg`."""
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = PICTURE.name
    figure = Figure(figsize=(WIDTH, 0.62 * len(FLOORS)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(-0.6, len(FLOORS) * STEP))
    axes.axis("off")
    places = _places()
    for upper, others in sparse(known_rooms()).items():
        for lower in others:
            (x, top), (to_x, bottom) = places[upper], places[lower]
            axes.plot([x, to_x], [top, bottom + HEIGHT], color="#7a8ba3", linewidth=0.9, zorder=1)
    for name, (x, bottom) in places.items():
        _box(axes, x, bottom, name)
    axes.text(WIDTH / 2, -0.4, CAPTION, ha="center", size=8.5, color="#555555")
    figure.savefig(PICTURE, metadata={"Date": None})


def known_rooms() -> dict[str, set[str]]:
    """The rooms that each room imports, on load or later."""
    known: dict[str, set[str]] = {name: set() for names in FLOORS for name in names}
    for _, own, other in links():
        if own:
            known[own].add(other)
    return known


def sparse(known: dict[str, set[str]]) -> dict[str, set[str]]:
    """Only what does not follow from the rest: not what a room knows through another one that it knows."""
    below: dict[str, set[str]] = {}
    for name in (name for names in FLOORS for name in names):
        below[name] = known[name].union(*(below[other] for other in known[name]))
    return {name: others - set().union(*(below[other] for other in others)) for name, others in known.items()}


def _places() -> dict[str, tuple[float, float]]:
    """Middle and bottom of every box."""
    return {
        name: ((k + 1 + (floor % 3 - 1) * SHIFT) * WIDTH / (len(names) + 1), floor * STEP)
        for floor, names in enumerate(FLOORS)
        for k, name in enumerate(sorted(names))
    }


def _box(axes: Any, x: float, bottom: float, name: str) -> None:
    shape = FancyBboxPatch(
        *((x - BOX / 2, bottom), BOX, HEIGHT),
        boxstyle="round,pad=0,rounding_size=0.1",
        fc="#e8eef7",
        ec="#555555",
        zorder=2,
    )
    axes.add_patch(shape)
    axes.text(x, bottom + HEIGHT / 2, name, ha="center", va="center", size=9.5)


if __name__ == "__main__":
    main()
