"""Accept, reject and a remark for the vertebra that is selected in the table."""

from __future__ import annotations

from typing import Any

from spine_ctmr.results.sign_off import LONGEST_REMARK, Decision, VertebraDecision

from ..decisions import WORDS, decide, decisions_in
from ..vertebra_table import flag_color
from .cells import cell

COLUMN = 4
"""Of the vertebra table: what the reader decided."""
REMARK = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for a remark, which the tool tip tells."""


class SigningSection:
    """The reader's decisions on one result."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._table: Any = None
        self._shown: tuple[Any, ...] = ()
        ui.remarkEdit.maxLength = LONGEST_REMARK
        ui.vertebraTable.connect("itemSelectionChanged()", self._show_selected)
        ui.acceptButton.connect("clicked(bool)", lambda on: self._decide("accept" if on else ""))
        ui.rejectButton.connect("clicked(bool)", lambda on: self._decide("reject" if on else ""))
        ui.remarkEdit.connect("editingFinished()", self._on_remark)

    def follow(self, table: Any) -> None:
        """Show the decisions on the result of a quality table; None for no result."""
        self._table = table
        decided = decisions_in(table) if table is not None else {}
        for row in range(self._ui.vertebraTable.rowCount):
            self._show_row(row, decided.get(self._ui.vertebraTable.item(row, 0).text()))
        self._ui.vertebraTable.resizeColumnToContents(COLUMN)
        self._show_selected()

    def _show_row(self, row: int, decided: VertebraDecision | None) -> None:
        decided = decided or VertebraDecision("")
        text = WORDS[decided.decision] + (REMARK if decided.remark else "")
        rgb = flag_color(self._ui.vertebraTable.item(row, 1).text())
        self._ui.vertebraTable.setItem(row, COLUMN, cell(text, decided.remark, rgb))

    @property
    def _selected(self) -> VertebraDecision | None:
        """What was decided on the selected vertebra; None if none is selected."""
        item = self._ui.vertebraTable.item(self._ui.vertebraTable.currentRow(), 0)
        if item is None or self._table is None:
            return None
        return decisions_in(self._table).get(item.text(), VertebraDecision(item.text()))

    def _show_selected(self) -> None:
        selected = self._selected
        for widget in (self._ui.acceptButton, self._ui.rejectButton, self._ui.remarkEdit):
            widget.enabled = selected is not None
        self._ui.acceptButton.checked = selected is not None and selected.decision == "accept"
        self._ui.rejectButton.checked = selected is not None and selected.decision == "reject"
        shown = () if selected is None else (self._table, selected.vertebra, selected.remark)
        if shown != self._shown:  # what is being typed stays
            self._shown = shown
            self._ui.remarkEdit.text = selected.remark if selected is not None else ""

    def _decide(self, decision: Decision) -> None:
        selected = self._selected
        if selected is not None:
            decide(self._table, VertebraDecision(selected.vertebra, decision, selected.remark))
            self.follow(self._table)

    def _on_remark(self) -> None:
        selected, remark = self._selected, str(self._ui.remarkEdit.text).strip()
        if selected is not None and remark != selected.remark:
            decide(self._table, VertebraDecision(selected.vertebra, selected.decision, remark))
            self.follow(self._table)
