"""Cells and colours of the panel's tables."""

from __future__ import annotations

import html
from typing import Any

import qt

HEADER_PX, ROW_PX, SHORTEST_PX = 30, 22, 100


def cell(text: str, hint: str = "", background: tuple[float, float, float] | None = None) -> Any:
    """A table cell; with black text where it has a background, so that it is readable in a dark theme too."""
    item = qt.QTableWidgetItem(text)
    item.setToolTip(tool_tip(hint or text))
    if background is not None:
        item.setBackground(qt.QBrush(qt.QColor(color(background))))
        item.setForeground(qt.QBrush(qt.QColor("#000000")))
    return item


def tool_tip(text: str) -> str:
    """A tool tip with these words; Qt would read a name such as "<b>" in plain text as a tag."""
    return f"<p>{html.escape(text, quote=False)}</p>" if text else ""


def fit_height(table: Any, tallest_px: int) -> None:
    """Make room for the rows of a table, but not more than `tallest_px`."""
    rows_px = max(ROW_PX * table.rowCount, table.verticalHeader().length())
    table.minimumHeight = min(max(HEADER_PX + rows_px, SHORTEST_PX), tallest_px)


def color(rgb: tuple[float, float, float]) -> str:
    """RGB from 0 to 1 as "#rrggbb"."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)
