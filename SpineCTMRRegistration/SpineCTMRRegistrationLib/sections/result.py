"""The result: verdict and vertebra table, with visual checks, decisions and export."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from spine_ctmr.errors import InputError

from ..hidden_vertebrae import HiddenVertebrae
from ..result_nodes import ResultNodes, quality_of, results_of
from ..result_table import QUALITY
from ..session import FAILURE, WARNINGS
from ..vertebra_table import FLAG_COLORS, GOOD, QualityReport, ResultRow, flag_color
from .cells import cell, color, fit_height
from .checks import ChecksSection
from .exports import ExportsSection
from .signing import SigningSection

SELECTED_STRENGTH = 1.9
TALLEST_PX = 480
"""Most of a spine; the verdict above the table names every vertebra that is not good."""


class ResultSection:
    """Shows one result, given by its quality table."""

    def __init__(self, ui: Any, folder_of: Callable[[Any], Path | None], hidden: HiddenVertebrae) -> None:
        self._ui = ui
        self._checks = ChecksSection(ui, hidden)
        self._signing = SigningSection(ui)
        self._exports = ExportsSection(ui, folder_of)
        ui.verdictLabel.textFormat = qt.Qt.RichText
        ui.vertebraTable.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        self._table: Any = None
        self._shown: tuple[str, ...] = ()
        ui.vertebraTable.connect("itemSelectionChanged()", self._color_selection)

    def show(self, table: Any) -> None:
        """Show the result that a quality table belongs to; None for no result.

        What is shown already stays, with the row that is selected.
        """
        self._table = table
        told = tuple(table.GetAttribute(name) or "" for name in (QUALITY, FAILURE, WARNINGS)) if table else ()
        if told != self._shown:
            self._shown = told
            self._ui.verdictLabel.visible = table is not None
            self._ui.vertebraTable.rowCount = 0
            if table is not None:
                self._show_quality(table)
        self._checks.update(results_of(table) if table is not None else None)
        self._signing.follow(table)
        self._exports.follow(table)

    def present(self) -> None:
        """Show the result in the views, at the first vertebra in doubt, else at the one in the middle."""
        rows = quality_of(self._table).rows if self._table is not None else ()
        if not rows:
            return
        doubtful = [index for index, row in enumerate(rows) if row.flag != GOOD]
        index = doubtful[0] if doubtful else len(rows) // 2
        self._ui.vertebraTable.selectRow(index)
        self._checks.present(rows[index].name)

    def draw_anew(self, result: ResultNodes) -> None:
        """A result was put into nodes that the views may show already."""
        self._checks.draw_anew(result)

    def close(self) -> None:
        """The panel goes."""
        self._checks.close()

    def forget(self) -> None:
        """The scene goes."""
        self._checks.forget()

    def _show_quality(self, table: Any) -> None:
        try:
            quality = quality_of(table)
        except InputError as error:
            self._ui.verdictLabel.text = html.escape(str(error), quote=False)
            return
        self._show_rows(quality)
        self._show_verdict(quality, table.GetAttribute(FAILURE), _warnings(table, quality))

    def _show_rows(self, quality: QualityReport) -> None:
        table = self._ui.vertebraTable
        table.rowCount = len(quality.rows)
        for index, row in enumerate(quality.rows):
            for column, text in enumerate(_texts(row)):
                table.setItem(index, column, cell(text, row.reason, row.color))
        for column in range(5):
            table.resizeColumnToContents(column)
        fit_height(table, TALLEST_PX)

    def _color_selection(self) -> None:
        """The selected row keeps its verdict's colour, but stronger."""
        item = self._ui.vertebraTable.item(self._ui.vertebraTable.currentRow(), 1)
        if item is not None:
            red, green, blue = (1 - SELECTED_STRENGTH * (1 - part) for part in flag_color(item.text()))
            shade = f"selection-background-color: {color((red, green, blue))}; selection-color: black;"
            self._ui.vertebraTable.styleSheet = f"QTableWidget {{ {shade} }}"

    def _show_verdict(self, quality: QualityReport, failure: str | None, warnings: list[str]) -> None:
        """In the colour of the worst vertebra, red for a registration that failed its own checks."""
        worst = "do not use" if failure else _worst(quality)
        start = quality.overall.get("start")
        origin = [f"Rigid start: {start}."] if start else []
        lines = [failure or quality.verdict, *origin, *warnings]
        first, *others = (html.escape(line, quote=False) for line in lines)
        self._ui.verdictLabel.text = "<br>".join([f"<b>{first}</b>", *others])
        background = color(FLAG_COLORS[worst])
        self._ui.verdictLabel.styleSheet = f"background: {background}; color: black; padding: 4px;"


def _texts(row: ResultRow) -> tuple[str, ...]:
    figures = _figure(row, "moved_mm", " mm"), _figure(row, "rotated_deg", "°")
    return (row.name, row.flag, *figures, "", row.reason)


def _figure(row: ResultRow, key: str, unit: str) -> str:
    value = row.figures.get(key)
    return "" if value is None else f"{value:.1f}{unit}"


def _warnings(table: Any, quality: QualityReport) -> list[str]:
    """What the user should know, with the nodes' names where the inputs are meant."""
    named = json.loads(table.GetAttribute(WARNINGS) or "[]")
    return [*named, *quality.warnings[len(named) :]]


def _worst(quality: QualityReport) -> str:
    flags = [row.flag for row in quality.rows]
    return max(flags, key=list(FLAG_COLORS).index, default="check")
