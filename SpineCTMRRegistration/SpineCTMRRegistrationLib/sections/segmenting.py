"""The buttons beside the selectors that have the vertebrae of CT or MR segmented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from spine_ctmr.errors import Cancelled, SpineError

from .. import total_segmentator
from ..extensions import MissingExtension, offer
from ..total_segmentator import Task

TITLE = "Segment vertebrae"


class SegmentingSection:
    """Asks, segments, and chooses what was found."""

    def __init__(
        self,
        ui: Any,
        choose_ct: Callable[[Any], None],
        choose_mr: Callable[[Any], None],
        log: Callable[[str], None],
    ) -> None:
        """`choose_ct` and `choose_mr` get the new segmentation; `log` a line of what goes on."""
        self._log = log
        self._ct_button, self._mr_button = ui.segmentCtButton, ui.segmentMrButton
        self._ct: Any = None
        self._mr: Any = None
        ui.segmentCtButton.connect(
            "clicked()", lambda: self._on_clicked(self._ct, total_segmentator.CT, choose_ct)
        )
        ui.segmentMrButton.connect(
            "clicked()", lambda: self._on_clicked(self._mr, total_segmentator.MR, choose_mr)
        )

    def follow(self, ct: Any, mr: Any, running: bool) -> None:
        """Offer to segment the images that are chosen, while no registration runs."""
        self._ct, self._mr = ct, mr
        self._ct_button.enabled = ct is not None and not running
        self._mr_button.enabled = mr is not None and not running

    def _on_clicked(self, volume: Any, task: Task, choose: Callable[[Any], None]) -> None:
        try:
            total_segmentator.require()
            question = total_segmentator.question(volume, task)
            if slicer.util.confirmOkCancelDisplay(question, textFormat=qt.Qt.PlainText):
                choose(self._segment(volume, task))
        except MissingExtension as missing:
            self._offer(missing)
        except Cancelled:
            self._log("Segmenting was cancelled; nothing was changed.")
        except SpineError as error:
            slicer.util.errorDisplay(str(error), windowTitle=TITLE, textFormat=qt.Qt.PlainText)

    @staticmethod
    def _offer(missing: MissingExtension) -> None:
        try:
            offer(missing, slicer.util.confirmOkCancelDisplay)
        except MissingExtension as error:
            slicer.util.warningDisplay(str(error), windowTitle=TITLE)

    def _segment(self, volume: Any, task: Task) -> Any:
        """Segment while a window says what goes on; it is closed whatever happens."""
        dialog = slicer.util.createProgressDialog(
            labelText=TITLE,
            windowTitle=TITLE,
            maximum=0,
            windowModality=qt.Qt.ApplicationModal,
            autoReset=False,
            autoClose=False,
        )
        dialog.show()

        def log(line: str) -> None:
            self._log(line)
            dialog.labelText = line
            slicer.app.processEvents()
            if dialog.wasCanceled:
                raise Cancelled

        try:
            return total_segmentator.segment(volume, task, log)
        finally:
            dialog.close()
            dialog.deleteLater()
