"""Runs the command in a child process and tells how it goes, without Qt.

run = CommandRun(QtProcess(), python)
run.progressed.connect(…)
run.start(lambda work: register_words(write_inputs(nodes, work), work / RESULTS, options))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .process import ChildProcess
from .signal import Signal

RESULTS = "results"
"""Name of the results folder in the temporary folder."""


@dataclass(frozen=True)
class ProgressReport:
    """Where the run is.

    Attributes:
        stage: in words.
        fraction: share of all work done, 0 to 1.
        elapsed_s: time since the start.
        remaining_s: estimate of the time left, None if unknown.
    """

    stage: str
    fraction: float
    elapsed_s: float
    remaining_s: float | None


@dataclass(frozen=True)
class Finished:
    """A run that left results.

    Attributes:
        results: the folder of results; deleted when the receivers of `finished` return, unless they
            moved it away.
        failure: why the registration failed its own checks (exit code 3); None if it passed.
    """

    results: Path
    failure: str | None


class CommandRun:
    """One run of the command; start it once. All signals come in the thread that delivers the process.

    Exactly one of `finished`, `failed` and `cancelled` is emitted at the end, and the temporary
    folder is deleted whatever happens.

    Attributes:
        progressed: emitted with a ProgressReport.
        logged: a line for the log: messages, warnings and standard error.
        warned: a sentence that the user should know although the run goes on (it is logged too).
        finished: emitted with Finished.
        failed: one sentence: the input, the problem, the mend.
        cancelled: no arguments.
    """

    def __init__(
        self, process: ChildProcess, python: str | Path, temporary_parent: Path | None = None
    ) -> None:
        """Prepare a run.

        Args:
            process: not yet started.
            python: the Python interpreter (PythonSlicer) that can run the library.
            temporary_parent: where the temporary folder is made; None for the system's place.
        """
        self.progressed: Signal[ProgressReport] = Signal()
        self.logged: Signal[str] = Signal()
        self.warned: Signal[str] = Signal()
        self.finished: Signal[Finished] = Signal()
        self.failed: Signal[str] = Signal()
        self.cancelled: Signal[[]] = Signal()

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        raise NotImplementedError

    def start(self, prepare: Callable[[Path], Sequence[str]], names: Mapping[str, str] | None = None) -> None:
        """Make a temporary folder, have `prepare` write the inputs there, and start the command.

        Args:
            prepare: given the temporary folder, writes the inputs into it and returns the words of the
                command, whose output folder must be `RESULTS` in that folder. If it raises, the
                folder is deleted and the error goes on to the caller.
            names: file names in the temporary folder and what messages call them instead.
        """
        raise NotImplementedError

    def cancel(self) -> None:
        """Ask the run to stop; `cancelled` follows. Does nothing when not running."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the run and its whole process tree now, without signals; for closing the scene or Slicer."""
        raise NotImplementedError
