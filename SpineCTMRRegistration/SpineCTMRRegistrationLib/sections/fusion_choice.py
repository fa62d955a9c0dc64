"""The reader's choice of how CT and MR are shown together, remembered for the next patients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from ..fusion import Fusion

KEY = "SpineCTMRRegistration/Fusion"


class FusionChoice:
    """A list of the ways; what is chosen is a setting of the user, not of a scene."""

    def __init__(self, box: Any, changed: Callable[[], None]) -> None:
        self._box, self._changed = box, changed
        self._ways = list(Fusion)
        for way in self._ways:
            box.addItem(way.label())
        remembered = str(qt.QSettings().value(KEY, Fusion.BONE.value))
        box.currentIndex = next((i for i, way in enumerate(self._ways) if way.value == remembered), 0)
        box.connect("currentIndexChanged(int)", self._on_chosen)

    @property
    def chosen(self) -> Fusion:
        """The way that is chosen now."""
        return self._ways[self._box.currentIndex]

    def _on_chosen(self, index: int) -> None:
        qt.QSettings().setValue(KEY, self.chosen.value)
        self._changed()
