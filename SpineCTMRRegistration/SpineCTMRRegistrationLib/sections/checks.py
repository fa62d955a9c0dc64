"""The buttons of the visual checks, and the slices that follow the vertebra table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from spine_ctmr.errors import SpineError

from .. import views
from ..deformation_grid import grid_is_shown, show_grid
from ..result_nodes import CT_IN_MR, JACOBIAN, TRANSFORM, VERTEBRAE, ResultNodes, registered_images

OUTPUT_NAMES = {
    TRANSFORM: "transform",
    CT_IN_MR: "CT in MR",
    VERTEBRAE: "moved vertebrae",
    JACOBIAN: "heatmap",
}


class ChecksSection:
    """Shows a result in the slice views when a button is pressed or a row of the table is clicked."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._result: ResultNodes | None = None
        self._ct: Any = None
        self._mr: Any = None
        outputs = (
            (ui.fusedButton, CT_IN_MR),
            (ui.beforeButton, CT_IN_MR),
            (ui.contoursButton, VERTEBRAE),
            (ui.heatmapButton, JACOBIAN),
            (ui.gridButton, TRANSFORM),
        )
        self._buttons = [(button, button.toolTip, output) for button, output in outputs]
        ui.vertebraTable.connect("cellClicked(int,int)", self._on_row)
        ui.fusedButton.connect("clicked()", self._on_fused)
        ui.contoursButton.connect("clicked(bool)", self._on_contours)
        ui.beforeButton.connect("clicked(bool)", self._on_before)
        ui.heatmapButton.connect("clicked()", self._on_heatmap)
        ui.gridButton.connect("clicked(bool)", self._on_grid)
        ui.straightButton.connect("clicked()", lambda: views.reset_orientation(_views()))
        ui.opacitySlider.connect("valueChanged(double)", self._on_opacity)

    def update(self, result: ResultNodes | None) -> None:
        """Follow the chosen result; the views stay as they are."""
        self._result = result
        self._ct, self._mr = registered_images(result) if result is not None else (None, None)
        for button, hint, output in self._buttons:
            lacking = self._lacking(output, button is self._ui.beforeButton)
            button.enabled = result is not None and lacking is None
            button.toolTip = lacking or hint
        self._ui.straightButton.enabled = result is not None
        self._press()

    def _lacking(self, output: str, needs_ct: bool) -> str | None:
        """What of the result is not there, in one sentence; None if nothing is."""
        if self._result is None:
            return None
        if vars(self._result)[output] is None:
            return f"This result has no {OUTPUT_NAMES[output]}; tick it under Outputs and register again."
        if self._mr is None and output != VERTEBRAE:
            return "The MR of this result is not in the scene any more."
        if self._ct is None and needs_ct:
            return "The CT of this result is not in the scene any more."
        return None

    def _press(self) -> None:
        """Show as pressed what is seen of this result; another one may have been chosen."""
        result, ui = self._result, self._ui
        ui.contoursButton.checked = result is not None and views.contours_are_shown(result.vertebrae_in_mr)
        ui.gridButton.checked = result is not None and grid_is_shown(result)
        ui.beforeButton.checked = result is not None and views.before_is_shown(_views(), result.table)

    def _on_row(self, row: int, column: int) -> None:
        name = self._ui.vertebraTable.item(row, 0).text()
        self._do(lambda result: views.jump_to_vertebra(_views(), result, name))

    def _on_fused(self) -> None:
        opacity = self._ui.opacitySlider.value
        self._look(lambda result: views.show_fused(_views(), self._mr, result.ct_in_mr, opacity))

    def _on_contours(self, checked: bool) -> None:
        self._look(lambda result: views.show_contours(result.vertebrae_in_mr, checked))

    def _on_before(self, checked: bool) -> None:
        if checked:
            self._look(lambda result: views.show_before(_views(), self._mr, result.ct_in_mr, result.table))
        else:
            self._look(lambda result: views.show_after(_views(), self._mr, result.ct_in_mr))

    def _on_heatmap(self) -> None:
        opacity = self._ui.opacitySlider.value
        self._look(lambda result: views.show_heatmap(_views(), self._mr, result.jacobian, opacity))

    def _on_grid(self, checked: bool) -> None:
        self._look(lambda result: show_grid(result, checked))

    def _on_opacity(self, value: float) -> None:
        """Change nothing where something else is shown."""
        mr = self._mr.GetID() if self._mr is not None else None
        over_mr = [view for view in _views() if view.composite.GetBackgroundVolumeID() == mr]
        self._do(lambda result: views.set_foreground_opacity(over_mr, value))

    def _look(self, action: Callable[[ResultNodes], object]) -> None:
        """Change the views so that something of the result is seen."""

        def look(result: ResultNodes) -> None:
            action(result)
            if self._mr is not None:
                views.bring_into_view(_views(), self._mr, result)

        self._do(look)
        self._press()

    def _do(self, action: Callable[[ResultNodes], object]) -> None:
        if self._result is None:
            return
        try:
            action(self._result)
        except SpineError as error:
            slicer.util.warningDisplay(str(error))


def _views() -> list[views.SliceView]:
    return views.slice_views(slicer.mrmlScene)
