"""Runs the command in a child process and tells how it goes, without Qt.

run = CommandRun(QtProcess(), python)
run.progressed.connect(…)
run.start(lambda work: register_words(write_inputs(nodes, work), work / RESULTS, options))
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spine_ctmr.errors import Cancelled, InputError, RegistrationFailed
from spine_ctmr.process.temporary import OwnedFolder

from .json_lines import Line, LineReader, parse
from .panel_words import in_panel_words
from .process import ChildProcess
from .signal import Signal

RESULTS = "results"
"""Name of the results folder in the temporary folder."""

ENGINE = Path(__file__).resolve().parents[1] / "spine_ctmr"
DONE, FAILED_CHECKS, CANCELLED = 0, RegistrationFailed.exit_code, Cancelled.exit_code
CANCEL_GRACE_S = 5.0
"""How long a run has to end by itself after its standard input was closed."""
STOP_GRACE_S = 3.0


@dataclass(frozen=True)
class ProgressReport:
    """Where the run is.

    Attributes:
        stage: in words.
        fraction: share of all work done, 0 to 1.
        remaining_s: estimate of the time left, None if unknown.
    """

    stage: str
    fraction: float
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
        self._process = process
        self._python = str(python)
        self._parent = temporary_parent
        self._folder: OwnedFolder | None = None
        self._names: Mapping[str, str] = {}
        self._output, self._errors = LineReader(), LineReader()
        self._sentence: str | None = None
        self._last_error_line = ""
        self._asked_to_stop = False
        self._quiet = False

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._folder is not None

    def start(self, prepare: Callable[[Path], Sequence[str]], names: Mapping[str, str] | None = None) -> None:
        """Make a temporary folder, have `prepare` write the inputs there, and start the command.

        Args:
            prepare: given the temporary folder, writes the inputs into it and returns the words of the
                command, whose output folder must be `RESULTS` in that folder. If it raises, the
                folder is deleted and the error goes on to the caller.
            names: file names in the temporary folder and what messages call them instead.

        Raises:
            InputError: the temporary folder cannot be written to.
        """
        self._names = names or {}
        try:
            self._folder = OwnedFolder(self._parent)
            words = prepare(self._folder.path)
            command = [self._python, "-m", ENGINE.name, *words, "--progress", "json", "--cancel-on-eof"]
            self._process.start(command, ENGINE.parent, self._read_output, self._read_errors, self._end)
        except OSError as error:
            self._clean_up()
            raise InputError(
                f"The temporary folder '{self._parent or tempfile.gettempdir()}' cannot be written to "
                f"({error.strerror or error}); free some space there, or choose another one in the "
                "application settings."
            ) from error
        except BaseException:
            self._clean_up()
            raise

    def cancel(self) -> None:
        """Ask the run to stop; `cancelled` follows. Does nothing when not running."""
        if self.running and not self._asked_to_stop:
            self._asked_to_stop = True
            self._process.end(CANCEL_GRACE_S)

    def stop(self) -> None:
        """End the run and its whole process tree now, without signals; for closing the scene or Slicer."""
        if not self.running:
            return
        self._quiet = True
        self._process.end(CANCEL_GRACE_S)
        if not self._process.wait(STOP_GRACE_S):
            self._process.end(0)
            self._process.wait(STOP_GRACE_S)
        self._clean_up()

    def _read_output(self, chunk: bytes) -> None:
        for line in self._output.feed(chunk):
            self._take(parse(line))

    def _read_errors(self, chunk: bytes) -> None:
        for line in self._errors.feed(chunk):
            self._take(line)
            self._last_error_line = line

    def _take(self, line: Line) -> None:
        if self._quiet:
            return
        if isinstance(line, str):
            self.logged.emit(self._named(line))
        elif "stage" in line:
            self.progressed.emit(_progress(line))
        elif "warning" in line:
            self.logged.emit(self._named(line["warning"]))
            self.warned.emit(self._named(line["warning"]))
        elif "error" in line:
            self._sentence = self._named(line["error"])
            self.logged.emit(self._sentence)
        elif "message" in line:
            self.logged.emit(self._named(line["message"]))

    def _end(self, code: int | None) -> None:
        try:
            for line in self._output.close():
                self._take(parse(line))
            self._read_errors(b"\n")
            if not self._quiet:
                self._tell_end(code)
        finally:
            self._clean_up()

    def _tell_end(self, code: int | None) -> None:
        results = self._folder.path / RESULTS if self._folder else None
        if self._asked_to_stop or code == CANCELLED:
            self.cancelled.emit()
        elif code in (DONE, FAILED_CHECKS) and results is not None and results.is_dir():
            failure = self._sentence or "The registration failed its own checks."
            self.finished.emit(Finished(results, failure if code == FAILED_CHECKS else None))
        else:
            self.failed.emit(self._sentence or self._unexplained(code))

    def _unexplained(self, code: int | None) -> str:
        if code is None:
            return f"The Python program '{self._python}' cannot be started; install Slicer again."
        if code < 0:
            return (
                "The run was ended from outside, most likely by the system for lack of memory; close other "
                "programs or choose quality Fast, then run it again."
            )
        detail = f": {self._named(self._last_error_line)}" if self._last_error_line else ""
        return f"The run stopped unexpectedly (exit code {code}{detail}); see the log, then run it again."

    def _named(self, text: str) -> str:
        """`text` in the panel's words, with the user's names of the inputs instead of temporary files."""
        folder = re.escape(f"{self._folder and self._folder.path}{os.sep}")
        if self._names:
            file = f"(?:{folder})?({'|'.join(map(re.escape, self._names))})"
            text = re.sub(f"'{file}'|{file}", lambda found: self._names[found[1] or found[2]], text)
        return in_panel_words(re.sub(folder, "", text))

    def _clean_up(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.remove()


def _progress(line: Mapping[str, Any]) -> ProgressReport:
    return ProgressReport(line["stage"], line["fraction"], line["remaining_s"])
