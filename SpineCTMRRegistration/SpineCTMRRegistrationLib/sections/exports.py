"""The export buttons: copies of a result's files, with what the reader decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import qt
import slicer
from spine_ctmr.errors import InputError, SpineError
from spine_ctmr.results import names
from spine_ctmr.results.sign_off import SignOff, vertebrae_of, write_sign_off

from ..decisions import sign_off_of, with_decisions
from ..export import Maker, copy_results
from ..slicer_poses import SLICER_POSES, write_slicer_poses

NOT_EXPORTABLE = "This result is from another session; register again to export its files."


class ExportsSection:
    """Exports the result of one quality table."""

    def __init__(self, ui: Any, folder_of: Callable[[Any], Path | None]) -> None:
        """`folder_of` gives the files of a table's result; None if they are not there any more."""
        self._ui, self._folder_of = ui, folder_of
        self._table: Any = None
        exports = ui.exportTransformsButton, ui.exportReportButton, ui.exportResultsButton
        self._buttons = [(button, button.toolTip) for button in exports]
        ui.exportTransformsButton.connect("clicked()", self._on_transforms)
        ui.exportReportButton.connect("clicked()", self._on_report)
        ui.exportResultsButton.connect("clicked()", self._on_results)

    def follow(self, table: Any) -> None:
        """Offer what there is of the result of a quality table; None for no result."""
        self._table = table
        folder = self._folder_of(table)
        lost = table is not None and folder is None
        for button, hint in self._buttons:
            button.enabled = folder is not None
            button.toolTip = NOT_EXPORTABLE if lost else hint

    def _on_transforms(self) -> None:
        self._export(
            lambda folder: [names.MR_TO_CT, names.CT_TO_MR, names.POSES],
            lambda folder: {
                SLICER_POSES: lambda path: write_slicer_poses(folder, path),
                **self._sign_off(folder),
            },
        )

    def _on_report(self) -> None:
        self._export(lambda folder: [names.REPORT], self._signed)

    def _on_results(self) -> None:
        self._export(lambda folder: [path.name for path in folder.iterdir()], self._signed)

    def _decided(self, folder: Path) -> SignOff | None:
        """In the name of Slicer's user, which is empty until they give one in Slicer's settings."""
        user = slicer.app.applicationLogic().GetUserInformation()
        return sign_off_of(self._table, folder, user.GetName())

    def _sign_off(self, folder: Path) -> Mapping[str, Maker]:
        """The file of what the reader decided, if there is anything."""
        sign_off = self._decided(folder)
        return {} if sign_off is None else {names.SIGN_OFF: lambda path: write_sign_off(path, sign_off)}

    def _signed(self, folder: Path) -> Mapping[str, Maker]:
        """That file, and the report with the decisions."""
        sign_off = self._decided(folder)
        if sign_off is None:
            return {}
        report = (folder / names.REPORT).read_text(encoding="utf-8")
        page = with_decisions(report, sign_off, vertebrae_of(folder))
        return {
            **self._sign_off(folder),
            names.REPORT: lambda path: path.write_text(page, encoding="utf-8"),
        }

    def _export(
        self, names_in: Callable[[Path], list[str]], made_in: Callable[[Path], Mapping[str, Maker]]
    ) -> None:
        """Copy files of the result into a folder of the user's choice."""
        target = qt.QFileDialog.getExistingDirectory(self._ui.resultSection, "Folder to export to")
        if not target:
            return
        try:
            folder = self._folder_of(self._table)
            if folder is None:
                raise InputError("The files of this result were deleted meanwhile; register again.")
            copy_results(folder, names_in(folder), Path(target), made_in(folder))
        except SpineError as error:
            slicer.util.warningDisplay(str(error), textFormat=qt.Qt.PlainText)
