"""The choice of what the numbers of a label map mean, with the names that each numbering gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from ..numbering import CHOSEN
from ..segments import numbering_in

NOT_CHOSEN = "choose …"


class NumberingChoice:
    """A list of the numberings that fit a label map; hidden where its labels have names."""

    def __init__(self, label: Any, box: Any, changed: Callable[[], None]) -> None:
        self._label, self._box, self._changed = label, box, changed
        self._node: slicer.vtkMRMLNode | None = None
        self._shown: tuple[dict[str, str], str] | None = None
        box.connect("activated(int)", self._on_chosen)
        self.show(None)

    def show(self, node: slicer.vtkMRMLNode | None) -> None:
        """Offer what fits a node."""
        numbering = numbering_in(node)
        self._node = node
        offered = numbering is not None and bool(numbering.choices)
        self._label.visible = self._box.visible = offered
        if numbering is None or not offered:
            self._shown = None
            return
        if self._shown == (shown := (numbering.previews(), numbering.taken)):
            return
        self._shown = shown
        previews, taken = shown
        self._box.clear()
        self._box.addItem(NOT_CHOSEN)
        self._box.addItems([f"{name}: {preview}" for name, preview in previews.items()])
        self._box.currentIndex = [*previews].index(taken) + 1 if taken else 0

    def _on_chosen(self, index: int) -> None:
        if self._node is not None and self._shown is not None:
            self._node.SetAttribute(CHOSEN, [None, *self._shown[0]][index])
            self._changed()
