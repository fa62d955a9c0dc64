"""What a worker tells the process that oversees it: the files that it reads, and how it ended.

An exit code can be lost (a parent that ignores SIGCHLD hands that down) and says little about a crash in
native code. So the worker says both itself, as JSON lines in a pipe that it inherits.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIPE = "SPINE_CTMR_ACCOUNT"
"""Environment variable that names the worker's end of the pipe."""

_numbers = itertools.count()
_mouth: int | None = None


@dataclass(frozen=True)
class FileReading:
    """A file that a worker is reading.

    Attributes:
        path: of the file or folder.
        limit_s: how long that may take.
        deadline_s: when it should have ended, on the monotonic clock.
    """

    path: str
    limit_s: float
    deadline_s: float


@dataclass
class Account:
    """The overseer's side: what the worker has told so far.

    Attributes:
        exit_code: what the worker said when it ended; None if it did not.
        readings: files that it is reading, by number.
    """

    exit_code: int | None = None
    readings: dict[int, FileReading] = field(default_factory=dict)

    def listen(self, ear: int) -> None:
        """Take in what comes from a pipe until its other end is closed, and close it."""
        with open(ear, "rb") as stream:
            for line in stream:
                self.take(line)

    def overdue(self) -> FileReading | None:
        """A file that takes too long, if there is one."""
        now = time.monotonic()
        return next((one for one in list(self.readings.values()) if now > one.deadline_s), None)

    def take(self, line: bytes) -> None:
        """Take in one line, unless it was cut off when the worker ended."""
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            if "ended" in told:
                self.exit_code = int(told["ended"])
            elif "reading" in told:
                limit_s = float(told["limit_s"])
                self.readings[told["number"]] = FileReading(
                    str(told["reading"]), limit_s, time.monotonic() + limit_s
                )
            else:
                self.readings.pop(told["read"], None)


def pipe_for_worker() -> tuple[int, int, str]:
    """A new pipe: the overseer's end, the end that a worker inherits, and the worker's value of `PIPE`."""
    ear, mouth = os.pipe()
    os.set_inheritable(mouth, True)
    if sys.platform == "win32":
        import msvcrt

        return ear, mouth, str(msvcrt.get_osfhandle(mouth))
    return ear, mouth, str(mouth)


def begin_account() -> None:
    """Find the pipe to the overseer, if there is one; call once, at the start of the worker."""
    global _mouth
    name = os.environ.pop(PIPE, None)
    if name is None:
        return
    with suppress(OSError, ValueError):
        _mouth = int(name)
        if sys.platform == "win32":
            import msvcrt

            _mouth = msvcrt.open_osfhandle(_mouth, os.O_WRONLY)
        os.set_inheritable(_mouth, False)


def tell_end(exit_code: int) -> None:
    """Tell the overseer how this worker ends."""
    _tell(ended=exit_code)


@contextmanager
def told_reading(path: str, limit_s: float) -> Iterator[None]:
    """Tell the overseer which file is read inside, and how long that may take."""
    number = next(_numbers)
    _tell(reading=path, limit_s=limit_s, number=number)
    try:
        yield
    finally:
        _tell(read=number)


def _tell(**content: object) -> None:
    if _mouth is not None:
        with suppress(OSError):  # the overseer is gone
            os.write(_mouth, json.dumps(content).encode() + b"\n")
