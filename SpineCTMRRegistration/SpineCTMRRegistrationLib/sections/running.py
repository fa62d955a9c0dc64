"""Register, Cancel, progress and log."""

from __future__ import annotations

from typing import Any

import qt

from ..run import ProgressReport
from .cells import tool_tip

COLORS = {"done": "", "unsafe": "#c0392b", "failed": "#c0392b", "cancelled": ""}

INSTALLING = "Installing\N{HORIZONTAL ELLIPSIS}"


class RunningSection:
    """Shows whether a run can start, how far it is, and how it ended."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._installing = False
        for label in (ui.readyLabel, ui.statusLabel):
            label.textFormat = qt.Qt.PlainText
        self.clear()

    def show_ready(self, missing: str | None, running: bool) -> None:
        """Enable the buttons; the reason why Register is disabled is its tooltip and stands below it."""
        self._ui.registerButton.enabled = missing is None and not running and not self._installing
        self._ui.cancelButton.enabled = running
        hint = "Aligns the CT with the MR; inputs are not changed."
        self._ui.registerButton.toolTip = tool_tip(
            "A registration is running." if running else INSTALLING if self._installing else missing or hint
        )
        self._ui.readyLabel.visible = missing is not None and not running
        self._ui.readyLabel.text = missing or ""

    def show_installing(self) -> None:
        """Packages are being installed; Register stays off until `show_installed`."""
        self._installing = True
        self._ui.registerButton.enabled = False
        self._say(INSTALLING, "")

    def show_installed(self) -> None:
        """The installation has ended, however it did; `show_ready` enables Register."""
        self._installing = False
        self._say("", "")

    def show_started(self) -> None:
        """Clear what an earlier run left."""
        self._ui.logText.plainText = ""
        self._ui.progressBar.value = 0
        self._ui.progressBar.visible = True
        self._say("Starting\N{HORIZONTAL ELLIPSIS}", "")

    def show_progress(self, report: ProgressReport) -> None:
        """Stage, share done and time left."""
        self._ui.progressBar.value = int(self._ui.progressBar.maximum * report.fraction)
        stage = report.stage[:1].upper() + report.stage[1:]
        self._say(f"{stage}{_time_left(report)}", "")

    def show_cancelling(self) -> None:
        """The run was asked to stop and has not ended yet."""
        self._ui.cancelButton.enabled = False
        self._say("Cancelling\N{HORIZONTAL ELLIPSIS}", "")

    def show_ended(self, how: str, sentence: str) -> None:
        """How it ended, in words."""
        self._ui.progressBar.visible = False
        self._say(sentence, COLORS[how])
        self.add_log(sentence)

    def show_note(self, sentence: str) -> None:
        """Something that happened to the choices; while a run shows its progress, in the log only."""
        self.add_log(sentence)
        if not self._ui.progressBar.visible:
            self._say(sentence, "")

    def clear(self) -> None:
        """As before any run."""
        self._ui.progressBar.visible = False
        self._say("", "")
        self._ui.logText.plainText = ""

    def add_log(self, line: str) -> None:
        """One more line."""
        self._ui.logText.appendPlainText(line)

    def _say(self, sentence: str, color: str) -> None:
        self._ui.statusLabel.text = sentence
        self._ui.statusLabel.visible = bool(sentence)
        self._ui.statusLabel.styleSheet = f"color: {color}; font-weight: bold;" if color else ""


def _time_left(report: ProgressReport) -> str:
    if report.remaining_s is None or report.fraction <= 0:
        return ""
    seconds = max(1, round(report.remaining_s))
    left = f"{seconds} s" if seconds < 90 else f"{round(seconds / 60)} min"
    return f" \N{EN DASH} about {left} left"
