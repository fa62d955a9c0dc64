"""A child process on Qt's QProcess, for the running Slicer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .process import OnBytes, OnEnded


class QtProcess:
    """A `ChildProcess` on QProcess; its callbacks come from the event loop. Imports `qt` when made."""

    def start(
        self, command: Sequence[str], folder: Path, on_output: OnBytes, on_errors: OnBytes, on_ended: OnEnded
    ) -> None:
        raise NotImplementedError

    def end(self, grace_s: float) -> None:
        raise NotImplementedError

    def wait(self, seconds: float) -> bool:
        raise NotImplementedError
