"""Cells and lines of Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..quality.metrics import Statistics


def header(cells: Sequence[str]) -> list[str]:
    """The two lines that begin a table."""
    return [line(cells), line(["---"] * len(cells))]


def line(cells: Sequence[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def number(value: float) -> str:
    """Whole numbers as they are, others with three significant digits, a dash for what was not measured."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.3g}" if math.isfinite(value) else "–"


def spread(values: Statistics) -> tuple[str, str]:
    """Median (IQR) and mean (SD)."""
    middle = f"{number(values.median)} ({number(values.q1)} to {number(values.q3)})"
    return middle, f"{number(values.mean)} ({number(values.sd)})"
