"""The sample patient in the Sample Data module: made beside the usable window, with progress and cancel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from spine_ctmr.errors import SpineError

from ..run import ProgressReport
from ..sample_data import SAMPLE_NAME, SampleMaker, SampleNodes
from .showing import show_alone

TITLE = "Spine CT/MR phantom"


class SampleSource:
    """What a click in Sample Data does; stops when the scene or Slicer is closed."""

    def __init__(self, maker: SampleMaker, ensure_dependencies: Callable[[], bool]) -> None:
        self._maker, self._ensure_dependencies = maker, ensure_dependencies
        self._dialog: Any = None
        self._nodes: SampleNodes | None = None
        maker.progressed.connect(self._show_progress)
        maker.loaded.connect(self._on_loaded)
        maker.failed.connect(self._on_failed)
        maker.cancelled.connect(self._close_dialog)
        self._closing = slicer.mrmlScene.AddObserver(slicer.mrmlScene.StartCloseEvent, self._stop)
        slicer.app.connect("aboutToQuit()", self._stop)

    @property
    def running(self) -> bool:
        """Whether the patient is being made."""
        return self._maker.running

    @property
    def nodes(self) -> list[Any]:
        """CT, MR, vertebrae and body centres of the patient that was loaded last; empty while it is made."""
        nodes = self._nodes
        return [] if nodes is None else [nodes.ct, nodes.mr, nodes.vertebrae, nodes.mr_landmarks]

    def load(self, source: Any = None) -> list[Any]:
        """Load the patient; `nodes`, or an empty list if it must be made first and comes later."""
        if self._maker.running:
            self._dialog.activateWindow()
            return []
        self._nodes = None
        try:
            if self._ensure_dependencies():
                self._maker.start()
        except SpineError as error:
            self._on_failed(str(error))
        if self._maker.running:
            self._open_dialog()
        return self.nodes

    def close(self) -> None:
        """Stop, and leave the scene and Slicer alone."""
        self._stop()
        slicer.mrmlScene.RemoveObserver(self._closing)
        slicer.app.disconnect("aboutToQuit()", self._stop)

    def _open_dialog(self) -> None:
        self._dialog = slicer.util.createProgressDialog(
            labelText="Making a synthetic patient on this computer\N{HORIZONTAL ELLIPSIS}",
            windowTitle=TITLE,
            windowModality=qt.Qt.NonModal,
            autoReset=False,
            autoClose=False,
        )
        self._dialog.connect("canceled()", self._maker.cancel)
        self._dialog.show()

    def _show_progress(self, report: ProgressReport) -> None:
        if self._dialog is not None:
            self._dialog.value = int(100 * report.fraction)

    def _on_loaded(self, nodes: SampleNodes) -> None:
        self._nodes = nodes
        self._close_dialog()
        show_alone(nodes.ct)

    def _on_failed(self, sentence: str) -> None:
        self._close_dialog()
        slicer.util.errorDisplay(sentence, windowTitle=TITLE, textFormat=qt.Qt.PlainText)

    def _close_dialog(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.close()  # it then says that it is cancelled, when nothing runs any more
            dialog.deleteLater()

    def _stop(self, caller: Any = None, event: Any = None) -> None:
        self._maker.stop()
        self._close_dialog()


def offer_sample(source: SampleSource, icon: Path) -> None:
    """Offer the patient in the Sample Data module; it is made on this computer, not downloaded."""
    import SampleData  # type: ignore[import-not-found]  # of Slicer

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Spine",
        sampleName=SAMPLE_NAME,
        thumbnailFileName=str(icon),
        uris="",
        fileNames=SAMPLE_NAME,
        nodeNames=SAMPLE_NAME,
        customDownloader=source.load,
    )
