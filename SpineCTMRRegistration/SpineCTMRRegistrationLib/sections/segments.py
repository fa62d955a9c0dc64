"""The table of the CT's segments: which vertebra each was read as, and whether the MR names it too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

from ..vertebra_table import SegmentRow, vertebra_choices
from .cells import cell, color, fit_height, tool_tip

NOT_A_VERTEBRA = "not a vertebra"
TALLEST_PX = 260
UNKNOWN_COLOR = (1.0, 0.92, 0.66)
IN_MR = {True: "\N{CHECK MARK}", False: "\N{EN DASH}", None: ""}


class SegmentsSection:
    """Shows the rows; the user names segments whose own name means nothing."""

    def __init__(self, table: Any, choose: Callable[[str, str], None], go_to: Callable[[Any], None]) -> None:
        """`choose` gets a segment id and a vertebra ("" for none), `go_to` the vertebra of a clicked row."""
        self._table, self._choose = table, choose
        self._rows: Sequence[SegmentRow] = ()
        table.connect("cellClicked(int,int)", lambda row, column: go_to(self._rows[row].vertebra))

    def show(self, rows: Sequence[SegmentRow]) -> None:
        """Fill the table, unless it shows these rows already."""
        if rows == self._rows:
            return
        self._rows, table = rows, self._table
        table.clearContents()
        table.rowCount = len(rows)
        nothing_read = not any(row.vertebra for row in rows)
        for index, row in enumerate(rows):
            self._show_row(index, row, nothing_read)
        for column in range(2):
            table.resizeColumnToContents(column)
        table.resizeRowsToContents()
        fit_height(table, TALLEST_PX)

    def _show_row(self, index: int, row: SegmentRow, urgent: bool) -> None:
        hint = row.problem or row.name
        self._table.setItem(index, 0, cell(row.name, hint))
        if row.editable:
            self._table.setCellWidget(index, 1, _editor(row, self._choose, urgent))
        else:
            self._table.removeCellWidget(index, 1)
            background = UNKNOWN_COLOR if row.problem else None
            self._table.setItem(index, 1, cell(row.vertebra or NOT_A_VERTEBRA, hint, background))
        self._table.setItem(index, 2, cell(IN_MR[row.in_mr], _in_mr_hint(row)))


def _editor(row: SegmentRow, choose: Callable[[str, str], None], urgent: bool) -> Any:
    editor = qt.QComboBox()
    editor.addItem(NOT_A_VERTEBRA)
    editor.addItems(list(vertebra_choices()))
    editor.currentText = row.vertebra or NOT_A_VERTEBRA
    editor.toolTip = tool_tip(row.problem or f"Which vertebra '{row.name}' is.")
    if row.problem or urgent:
        editor.styleSheet = f"QComboBox {{ background: {color(UNKNOWN_COLOR)}; color: black; }}"

    def changed(text: str) -> None:
        choose(row.segment_id, "" if text == NOT_A_VERTEBRA else text)

    editor.connect("currentTextChanged(QString)", changed)
    return editor


def _in_mr_hint(row: SegmentRow) -> str:
    if row.in_mr is None:
        return "The level is found by the images."
    return "The MR has this vertebra too." if row.in_mr else "The MR's points or segments do not name it."
