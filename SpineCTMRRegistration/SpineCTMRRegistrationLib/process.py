"""A child process as the runner sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

OnBytes = Callable[[bytes], None]
OnEnded = Callable[["int | None"], None]
"""Receives the exit code; negative for a signal, None if the program could not be started."""


class ChildProcess(Protocol):
    """One child process; started once. Callbacks come in the thread that started it, or not at all."""

    def start(
        self, command: Sequence[str], folder: Path, on_output: OnBytes, on_errors: OnBytes, on_ended: OnEnded
    ) -> None:
        """Start `command` in `folder`; returns at once.

        Args:
            command: the program and its arguments.
            folder: its working directory.
            on_output: receives standard output in arbitrary chunks.
            on_errors: the same for standard error.
            on_ended: called once, after the last chunk.
        """

    def end(self, grace_s: float) -> None:
        """Close its standard input, which asks it to cancel; kill it if it still runs after `grace_s`."""

    def wait(self, seconds: float) -> bool:
        """Block until it has ended and `on_ended` has been called; False if it has not after `seconds`."""
