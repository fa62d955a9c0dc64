"""A process that stands for the engine: leaves the files of an earlier run and ends when told.

And what tests that use it ask the panel.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from host.waiting import wait
from SpineCTMRRegistrationLib.process import OnBytes, OnEnded


class Replay:
    """A `ChildProcess` that computes nothing."""

    def __init__(self, results: Path, is_running: Callable[[], bool] = lambda: False) -> None:
        self.results, self._is_running = results, is_running

    def start(
        self, command: Sequence[str], folder: Path, on_output: OnBytes, on_errors: OnBytes, on_ended: OnEnded
    ) -> None:
        self.output = Path(command[command.index("--output") + 1])
        self._on_output, self._on_ended = on_output, on_ended
        self.tell(stage="refining", fraction=0.5, elapsed_s=2.0, remaining_s=2.0)

    def tell(self, **line: object) -> None:
        """Print a line of progress."""
        self._on_output(json.dumps(line).encode() + b"\n")

    def finish(self, code: int = 0) -> None:
        """End, with results unless `code` tells of a failure; they are loaded when this returns."""
        self.end_running(code)
        wait(lambda: not self._is_running(), 60.0)

    def end_running(self, code: int = 0) -> None:
        """End as `finish` does; the results are not loaded yet."""
        if code in (0, 3):
            shutil.copytree(self.results, self.output)
        self._on_ended(code)

    def end(self, grace_s: float) -> None:
        self._on_ended(130)

    def wait(self, seconds: float) -> bool:
        return True


def node_ids(scene) -> set[str]:
    return {scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())}


def start(panel) -> None:
    panel.ui.registerButton.click()
    assert panel.session.running, panel.ui.statusLabel.text


def said(panel) -> str:
    """The red line; the panel can go on."""
    assert not panel.session.running
    assert panel.ui.registerButton.enabled or panel.ui.readyLabel.text
    assert panel.ui.statusLabel.styleSheet
    return panel.ui.statusLabel.text
