"""The result: verdict, vertebra table, visual checks and export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer

from ...errors import InputError, SpineError
from .. import views
from ..deformation_grid import grid_is_shown, show_grid
from ..export import copy_results
from ..result_nodes import ResultNodes, quality_of, results_of
from ..session import FAILURE, WARNINGS, registered_images
from ..vertebra_table import FLAG_COLORS, Quality, ResultRow
from .cells import cell, color

NOT_EXPORTABLE = "This result is from another session; register again to export its files."


class ResultSection:
    """Shows one result, given by its quality table."""

    def __init__(self, ui: Any, folder_of: Callable[[Any], Path | None]) -> None:
        self._ui, self._folder_of = ui, folder_of
        self._result: ResultNodes | None = None
        self._ct: Any = None
        self._mr: Any = None
        exports = ui.exportTransformsButton, ui.exportReportButton, ui.exportResultsButton
        self._exports = [(button, button.toolTip) for button in exports]
        ui.vertebraTable.connect("cellClicked(int,int)", self._on_row)
        ui.fusedButton.connect("clicked()", self._on_fused)
        ui.contoursButton.connect("clicked(bool)", self._on_contours)
        ui.beforeButton.connect("clicked(bool)", self._on_before)
        ui.heatmapButton.connect("clicked()", self._on_heatmap)
        ui.gridButton.connect("clicked(bool)", self._on_grid)
        ui.straightButton.connect("clicked()", lambda: views.reset_orientation(_views()))
        ui.opacitySlider.connect("valueChanged(double)", self._on_opacity)
        ui.exportTransformsButton.connect("clicked()", self._on_export_transforms)
        ui.exportReportButton.connect("clicked()", self._on_export_report)
        ui.exportResultsButton.connect("clicked()", self._on_export_results)

    def show(self, table: Any) -> None:
        """Show the result that a quality table belongs to; None for no result."""
        self._result = results_of(table) if table is not None else None
        self._ct, self._mr = registered_images(self._result) if self._result is not None else (None, None)
        self._ui.verdictLabel.visible = table is not None
        self._ui.vertebraTable.rowCount = 0
        if table is not None:
            self._show_quality(table)
        self._enable()
        self._press()

    def _show_quality(self, table: Any) -> None:
        try:
            quality = quality_of(table)
        except InputError as error:
            self._ui.verdictLabel.text = str(error)
            return
        self._show_rows(quality)
        self._show_verdict(quality, table.GetAttribute(FAILURE), _warnings(table, quality))

    def _show_rows(self, quality: Quality) -> None:
        table = self._ui.vertebraTable
        table.rowCount = len(quality.rows)
        for index, row in enumerate(quality.rows):
            for column, text in enumerate(_texts(row)):
                table.setItem(index, column, cell(text, row.reason, row.color))
        for column in range(4):
            table.resizeColumnToContents(column)
        table.resizeRowsToContents()

    def _show_verdict(self, quality: Quality, failure: str | None, warnings: list[str]) -> None:
        """In the colour of the worst vertebra, red for a registration that failed its own checks."""
        worst = "do not use" if failure else _worst(quality)
        start = quality.overall.get("start")
        origin = [f"Rigid start: {start}."] if start else []
        lines = [f"<b>{failure or quality.verdict}</b>", *origin, *warnings]
        self._ui.verdictLabel.text = "<br>".join(lines)
        background = color(FLAG_COLORS[worst])
        self._ui.verdictLabel.styleSheet = f"background: {background}; color: black; padding: 4px;"

    def _enable(self) -> None:
        result, ui = self._result, self._ui
        fused = result is not None and result.ct_in_mr is not None and self._mr is not None
        ui.fusedButton.enabled = fused
        ui.beforeButton.enabled = fused and self._ct is not None
        ui.contoursButton.enabled = result is not None and result.vertebrae_in_mr is not None
        ui.heatmapButton.enabled = result is not None and result.jacobian is not None and self._mr is not None
        ui.gridButton.enabled = result is not None and result.transform is not None and self._mr is not None
        ui.straightButton.enabled = result is not None
        folder = self._folder_of(result.table) if result is not None else None
        lost = result is not None and folder is None
        for button, hint in self._exports:
            button.enabled = folder is not None
            button.toolTip = NOT_EXPORTABLE if lost else hint

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

    def _on_export_transforms(self) -> None:
        self._export(lambda folder: ["mr_to_ct.h5", "ct_to_mr.h5", "vertebrae"])

    def _on_export_report(self) -> None:
        self._export(lambda folder: ["report.html"])

    def _on_export_results(self) -> None:
        self._export(lambda folder: [path.name for path in folder.iterdir()])

    def _export(self, names_in: Callable[[Path], list[str]]) -> None:
        """Copy files of the result into a folder of the user's choice."""

        def export(result: ResultNodes) -> None:
            folder = self._folder_of(result.table)
            if folder is None:
                raise InputError("The files of this result were deleted meanwhile; register again.")
            copy_results(folder, names_in(folder), Path(target))

        target = qt.QFileDialog.getExistingDirectory(self._ui.resultSection, "Folder to export to")
        if target:
            self._do(export)

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


def _texts(row: ResultRow) -> tuple[str, ...]:
    return (row.name, row.flag, _figure(row, "moved_mm", " mm"), _figure(row, "rotated_deg", "°"), row.reason)


def _figure(row: ResultRow, key: str, unit: str) -> str:
    value = row.figures.get(key)
    return "" if value is None else f"{value:.1f}{unit}"


def _warnings(table: Any, quality: Quality) -> list[str]:
    """What the user should know, with the nodes' names where the inputs are meant."""
    named = json.loads(table.GetAttribute(WARNINGS) or "[]")
    return [*named, *quality.warnings[len(named) :]]


def _worst(quality: Quality) -> str:
    flags = [row.flag for row in quality.rows]
    return max(flags, key=list(FLAG_COLORS).index, default="check")
