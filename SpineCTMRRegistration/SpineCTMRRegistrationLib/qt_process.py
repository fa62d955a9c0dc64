"""A child process on Qt's QProcess, for the running Slicer."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .process import OnBytes, OnEnded


class QtProcess:
    """A `ChildProcess` on QProcess; its callbacks come from the event loop. Imports `qt` when made."""

    def __init__(self) -> None:
        import qt

        self._qt = qt
        self._process = qt.QProcess()
        self._on_ended: OnEnded | None = None

    def start(
        self, command: Sequence[str], folder: Path, on_output: OnBytes, on_errors: OnBytes, on_ended: OnEnded
    ) -> None:
        process = self._process
        self._on_output, self._on_errors, self._on_ended = on_output, on_errors, on_ended
        process.readyReadStandardOutput.connect(self._read_output)
        process.readyReadStandardError.connect(self._read_errors)
        process.finished.connect(self._finish)
        process.errorOccurred.connect(self._fail_to_start)
        process.setWorkingDirectory(str(folder))
        process.start(command[0], list(command[1:]))

    def end(self, grace_s: float) -> None:
        if self._on_ended is None:
            return
        self._process.closeWriteChannel()
        if grace_s > 0:
            self._qt.QTimer.singleShot(int(1000 * grace_s), self._kill)
        else:
            self._kill()

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._on_ended is not None and time.monotonic() < deadline:
            self._process.waitForFinished(max(int(1000 * (deadline - time.monotonic())), 1))
        return self._on_ended is None

    def _read_output(self) -> None:
        self._on_output(self._process.readAllStandardOutput().data())

    def _read_errors(self) -> None:
        self._on_errors(self._process.readAllStandardError().data())

    def _finish(self, code: int, status: Any = None) -> None:
        """Called with one argument by PythonQt and with two by other bindings."""
        self._read_output()
        self._read_errors()
        crashed = self._process.exitStatus() == self._qt.QProcess.CrashExit
        self._end(-1 if crashed else code)

    def _fail_to_start(self, error: Any) -> None:
        if error == self._qt.QProcess.FailedToStart:
            self._end(None)

    def _end(self, code: int | None) -> None:
        on_ended, self._on_ended = self._on_ended, None
        if on_ended is not None:
            on_ended(code)

    def _kill(self) -> None:
        """End the process; those it started end too, because their standard input has ended.

        On Windows that would leave the launcher's children to chance, so they are ended by name of the tree.
        """
        if self._on_ended is None:
            return
        if sys.platform == "win32":
            tree = ["taskkill", "/F", "/T", "/PID", str(self._process.processId())]
            subprocess.run(tree, capture_output=True, check=False)
        self._process.kill()
