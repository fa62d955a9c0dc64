"""The buttons that guide the placing of one point per vertebra in the MR."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import slicer

from .. import placing
from ..hidden_vertebrae import HiddenVertebrae
from .showing import show_alone

AUTOMATIC = "The images will choose the level: check it in the result, or place the centres."


class PlacingSection:
    """Starts and ends place mode and says which vertebra comes next.

    While placing, the MR is shown in the slice views, so that no point is set in the CT by mistake, and
    the CT's vertebrae are not, which lie elsewhere and would name the wrong levels.
    """

    def __init__(self, ui: Any, choose: Callable[[Any], None], hidden: HiddenVertebrae) -> None:
        self._ui, self._choose, self._hidden = ui, choose, hidden
        self._vertebrae: Any = None
        self._levels: Sequence[str] = ()
        self._mr: Any = None
        self._points: Any = None
        self._given: Any = None
        self._automatic = False
        ui.placeButton.connect("toggled(bool)", self._on_toggled)
        ui.skipButton.connect("clicked()", self._on_skip)

    def update(self, levels: Sequence[str], vertebrae: Any, mr: Any, given: Any) -> None:
        """Follow the choices.

        Args:
            levels: names of the vertebrae of the CT.
            vertebrae: their segmentation.
            mr: the volume in which they are placed.
            given: the points or the segmentation of the MR that are chosen now.
        """
        if self._points is not None and (given is not self._points or mr is None):
            self.stop()
        self._levels, self._vertebrae, self._mr = levels, vertebrae, mr
        self._automatic = given is None and mr is not None
        self._given = given if given is not None and given.IsA(placing.CLASS) else None
        self._ui.placeButton.enabled = bool(levels) and mr is not None
        self._ui.placeButton.toolTip = (
            "Makes a point list and asks for the centre of one vertebral body after the other."
            if self._ui.placeButton.enabled
            else "Choose the MR and the segmentation of the CT first; its vertebrae are asked for."
        )
        self._show()

    def stop(self) -> None:
        """End place mode; the points stay."""
        if self._points is not None:
            placing.place_mode(slicer.mrmlScene, None)
        self._points = None
        self._ui.placeButton.checked = False
        self._hidden.want("placing", [])
        self._show()

    def _on_toggled(self, checked: bool) -> None:
        if not checked:
            self.stop()
            return
        points = self._given
        if points is None:
            points = placing.make_point_list(slicer.mrmlScene, self._levels)
        else:
            placing.ask_for(points, self._levels)
        self._points = points
        self._hidden.want("placing", [self._vertebrae])
        show_alone(self._mr)
        placing.place_mode(slicer.mrmlScene, points)
        self._choose(points)
        self._show()

    def _on_skip(self) -> None:
        if self._points is not None:
            placing.skip_level(self._points)
            self._show()

    def go_to(self, level: str | None) -> None:
        """While placing: ask for this vertebra next."""
        if self._points is not None and level is not None:
            placing.go_to_level(self._points, level)
            self._show()

    def _show(self) -> None:
        level = placing.asked_level(self._points) if self._points is not None else None
        self._ui.skipButton.enabled = level is not None
        self._ui.placingLabel.visible = level is not None or self._automatic
        if level is not None:
            self._ui.placingLabel.text = (
                f"<b>Next: {html.escape(level)}</b> \N{EN DASH} click the centre of its body in the MR, "
                "or another vertebra in the table."
            )
        elif self._automatic:
            self._ui.placingLabel.text = AUTOMATIC
        elif self._points is not None:
            self.stop()
