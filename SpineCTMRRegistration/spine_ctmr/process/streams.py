"""Standard streams that may be closed, full or left by their reader without harm to the run."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO


class _Tolerant(io.FileIO):
    """A stream that drops what cannot be written, and all that follows.

    Attributes:
        error: why; None while all is well.
    """

    error: OSError | None = None

    def write(self, content: Any) -> int:
        """Write bytes, or drop them."""
        if self.error is None:
            try:
                return super().write(content) or 0
            except OSError as error:
                self.error = error
        return len(content)


def secure_streams() -> None:
    """Make the standard streams of this process safe to use; call once, before anything is printed.

    Streams that are closed lead nowhere, so that no file takes their number. What a stream's encoding lacks
    is escaped. Streams that a caller has replaced are left alone.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, mode)
            os.dup2(nowhere, number)
            if nowhere != number:
                os.close(nowhere)
            os.set_inheritable(number, True)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _tolerant(1, sys.__stdout__)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _tolerant(2, sys.__stderr__)


def lost_output() -> str | None:
    """Why standard output could not be written, in the system's words.

    None if it could be written, and where its reader went away.
    """
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    error = raw.error if isinstance(raw, _Tolerant) else None
    return None if error is None or isinstance(error, BrokenPipeError) else error.strerror


def _tolerant(number: int, stream: TextIO | None) -> TextIO:
    encoding = "utf-8" if stream is None else stream.encoding
    raw = _Tolerant(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=True, write_through=True
    )
