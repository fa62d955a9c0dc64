"""The buttons of the visual checks, and the slices that follow the vertebra table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from spine_ctmr.errors import SpineError

from .. import views
from ..contours import contours_are_shown, show_contours
from ..deformation_grid import grid_is_shown, show_grid
from ..hidden_vertebrae import HiddenVertebrae
from ..result_nodes import (
    CT_IN_MR,
    JACOBIAN,
    SOURCE_ROLE,
    TRANSFORM,
    VERTEBRAE,
    ResultNodes,
    registered_images,
)
from ..side_by_side import leave_side_by_side
from ..vertebra_models import models_are_shown, show_models, vertebra_at
from ..vertebra_slices import bring_into_view, center_on_vertebra, jump_to_vertebra, reset_orientation
from ..watching import Watcher, modifications
from .fused_views import FusedViews
from .model_clicks import ModelClicks

OUTPUT_NAMES = {
    TRANSFORM: "transform",
    CT_IN_MR: "CT in MR",
    VERTEBRAE: "moved vertebrae",
    JACOBIAN: "heatmap",
}


class ChecksSection:
    """Shows a result in the views when a button is pressed or a vertebra is clicked.

    As long as something of a result is seen, also from another module, the CT's own vertebrae are hidden in
    slices: they lie where they are in the CT, and would make a good result look wrong.
    """

    def __init__(self, ui: Any, hidden: HiddenVertebrae) -> None:
        self._ui, self._hidden = ui, hidden
        self._result: ResultNodes | None = None
        self._last: ResultNodes | None = None
        self._ct: Any = None
        self._mr: Any = None
        self._fused = FusedViews(ui.fusionComboBox, self._on_fusion)
        self._clicks = ModelClicks(self._on_model)
        self._layers = Watcher(self._on_layers, modifications)
        outputs = (
            (ui.fusedButton, CT_IN_MR),
            (ui.beforeButton, CT_IN_MR),
            (ui.blinkButton, CT_IN_MR),
            (ui.contoursButton, VERTEBRAE),
            (ui.modelsButton, VERTEBRAE),
            (ui.heatmapButton, JACOBIAN),
            (ui.gridButton, TRANSFORM),
        )
        self._buttons = [(button, button.toolTip, output) for button, output in outputs]
        ui.vertebraTable.connect("cellClicked(int,int)", self._on_row)
        ui.fusedButton.connect("clicked()", self._on_fused)
        ui.contoursButton.connect("clicked(bool)", self._on_contours)
        ui.modelsButton.connect("clicked(bool)", self._on_models)
        ui.beforeButton.connect("clicked(bool)", self._on_before)
        ui.blinkButton.connect("clicked()", self._on_blink)
        ui.heatmapButton.connect("clicked()", self._on_heatmap)
        ui.gridButton.connect("clicked(bool)", self._on_grid)
        ui.straightButton.connect("clicked()", lambda: reset_orientation(_views()))
        ui.opacitySlider.connect("valueChanged(double)", self._on_opacity)

    def update(self, result: ResultNodes | None) -> None:
        """Follow the chosen result; the views stay as they are, and may go on showing the one before None."""
        self._result = result
        self._last = result or self._last
        self._ct, self._mr = registered_images(result) if result is not None else (None, None)
        for button, hint, output in self._buttons:
            lacking = self._lacking(output, button is self._ui.beforeButton)
            button.enabled = result is not None and lacking is None
            button.toolTip = lacking or hint
        self._ui.straightButton.enabled = result is not None
        self._follow()

    def present(self, vertebra: str) -> None:
        """Show a new result: CT over MR with outlines and models, the slices centred on a vertebra."""
        result = self._result
        if result is None:
            return
        if result.ct_in_mr is not None and self._mr is not None:
            self._do(lambda result: self._fused.show(result, self._mr, self._ui.opacitySlider.value))
        if result.vertebrae_in_mr is not None:
            show_contours(result.vertebrae_in_mr)
        self._show_models(result, True)
        self._do(lambda result: center_on_vertebra(_views(), result, vertebra))
        self._follow()

    def draw_anew(self, result: ResultNodes) -> None:
        """A result was put into nodes that the views may show already, also from another module."""
        if grid_is_shown(result):
            show_grid(result)
        self._fused.draw_anew(result, registered_images(result)[1])

    def close(self) -> None:
        """The panel goes: nothing is followed any more."""
        self._clicks.stop()
        self.forget()

    def forget(self) -> None:
        """The result goes: the CT's vertebrae are drawn as before."""
        self._last = None
        self._layers.watch([])
        self._hidden.want("checks", [])

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

    def _follow(self) -> None:
        """Show as pressed what is seen of this result, and hide the CT's own vertebrae meanwhile."""
        self._press_buttons()
        self._hide_own()

    def _press_buttons(self) -> None:
        result, ui = self._result, self._ui
        ui.contoursButton.checked = result is not None and contours_are_shown(result.vertebrae_in_mr)
        ui.modelsButton.checked = result is not None and models_are_shown(result)
        ui.gridButton.checked = result is not None and grid_is_shown(result)
        ui.beforeButton.checked = result is not None and views.before_is_shown(_views(), result.table)

    def _hide_own(self) -> None:
        result = self._last
        if result is None or result.table.GetScene() is None:
            self.forget()
            return
        moved = result.vertebrae_in_mr
        self._layers.watch([*(view.composite for view in _views()), moved and moved.GetDisplayNode()])
        seen = (
            contours_are_shown(moved)
            or grid_is_shown(result)
            or any(views.shows_result(view, result) for view in _views())
        )
        self._hidden.want("checks", [result.table.GetNodeReference(SOURCE_ROLE)] if seen else [])

    def _on_layers(self, caller: Any, event: Any) -> None:
        """The user may have chosen other images for a slice view, or hidden the outlines."""
        self._follow()

    def _on_row(self, row: int, column: int) -> None:
        name = self._ui.vertebraTable.item(row, 0).text()
        self._do(lambda result: jump_to_vertebra(_views(), result, name))

    def _on_model(self, renderer: Any, x: float, y: float) -> None:
        """A click in a 3-D view is one on the row of the vertebra that is seen there."""
        name = vertebra_at(self._result, renderer, x, y) if self._result is not None else None
        table = self._ui.vertebraTable
        for row in range(table.rowCount if name is not None else 0):
            if table.item(row, 0).text() == name:
                table.selectRow(row)
                self._on_row(row, 0)

    def _on_fused(self) -> None:
        opacity = self._ui.opacitySlider.value
        self._look(lambda result: self._fused.show(result, self._mr, opacity))

    def _on_fusion(self) -> None:
        """Another way to show CT and MR was chosen; it takes effect where they are seen."""
        result = self._result
        if result is None or not any(views.shows_result(view, result) for view in _views()):
            return
        if self._ui.beforeButton.checked:
            self._on_before(True)
        else:
            self._on_fused()

    def _on_contours(self, checked: bool) -> None:
        self._look(lambda result: show_contours(result.vertebrae_in_mr, checked))

    def _on_models(self, checked: bool) -> None:
        self._do(lambda result: self._show_models(result, checked))
        self._follow()

    def _show_models(self, result: ResultNodes, visible: bool) -> None:
        """In the 3-D views, whose camera then looks at them."""
        show_models(result, visible)
        if visible and result.vertebra_models:
            self._clicks.start()
            slicer.util.resetThreeDViews()

    def _on_before(self, checked: bool) -> None:
        if checked:
            self._look(lambda result: self._fused.show_before(result, self._mr))
        else:
            self._look(lambda result: self._fused.show(result, self._mr, None))

    def _on_blink(self) -> None:
        """What lies over the MR goes and comes."""
        self._fused.blink(self._over_mr(), self._ui.opacitySlider.value)

    def _on_heatmap(self) -> None:
        opacity = self._ui.opacitySlider.value
        leave_side_by_side(slicer.mrmlScene)
        self._look(lambda result: views.show_heatmap(_views(), self._mr, result.jacobian, opacity))

    def _on_grid(self, checked: bool) -> None:
        self._look(lambda result: show_grid(result, checked))

    def _on_opacity(self, value: float) -> None:
        """Change nothing where something else is shown."""
        self._do(lambda result: views.set_foreground_opacity(self._over_mr(), value))

    def _over_mr(self) -> list[views.SliceView]:
        mr = self._mr.GetID() if self._mr is not None else None
        return [view for view in _views() if view.composite.GetBackgroundVolumeID() == mr]

    def _look(self, action: Callable[[ResultNodes], object]) -> None:
        """Change the views so that something of the result is seen."""

        def look(result: ResultNodes) -> None:
            action(result)
            bring_into_view(_views(), result)

        self._do(look)
        self._follow()

    def _do(self, action: Callable[[ResultNodes], object]) -> None:
        if self._result is None:
            return
        try:
            action(self._result)
        except SpineError as error:
            slicer.util.warningDisplay(str(error), textFormat=qt.Qt.PlainText)


def _views() -> list[views.SliceView]:
    return views.slice_views(slicer.mrmlScene)
