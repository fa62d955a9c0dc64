"""Turns whatever ended a run into one sentence and an exit code."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from ..errors import Cancelled, InputError, SpineError
from .memory import memory_limit_mb
from .supervision import WorkerEnding

TRACEBACK = "SPINE_CTMR_TRACEBACK"
"""Environment variable that asks for the details of unexpected errors."""

LONGEST_MESSAGE = 300
LONGEST_WORD = 300
LONGEST_SENTENCE = 1500
FULL_DISK_BYTES = 1 << 20
OUT_OF_MEMORY_TEXTS = (
    *("out of memory", "bad_alloc", "bad allocation", "allocate memory", "failed to map segment"),
    "error return without exception set",  # of extensions that do not expect it
)
NO_THREAD_TEXTS = ("start new thread", "pthread_create", "Resource temporarily unavailable")
ENDED_BY_KILL = (-9, 137)
ENDED_BY_ASKING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)
WINDOWS_NO_MEMORY = 0xC0000017


@dataclass(frozen=True)
class Explanation:
    """What the user is told."""

    sentence: str
    exit_code: int


def explain(error: BaseException, noun: str, memory_advice: str, folder: Path | None) -> Explanation:
    """What an exception means to the user; prints its traceback if the environment asks for it.

    Args:
        error: what was raised.
        noun: what was running, such as "registration".
        memory_advice: what helps when memory is short.
        folder: where files were being written, to recognise a full disk.
    """
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, SpineError):
        return Explanation(readable(str(error)), error.exit_code)
    if isinstance(error, KeyboardInterrupt):
        return Explanation("Cancelled.", Cancelled.exit_code)
    known = _about_the_system(error, noun, memory_advice, folder)
    if known is not None:
        return Explanation(known, 1)
    if isinstance(error, OSError) and error.strerror:
        sentence = f"{_name_in(error, folder)} cannot be used ({error.strerror}); choose another path."
        return Explanation(sentence, 2)
    return Explanation(
        f"The {noun} stopped unexpectedly ({type(error).__name__}: {one_line(error)}); "
        f"set {TRACEBACK}=1 and run it again to see the details.",
        1,
    )


def _about_the_system(error: BaseException, noun: str, memory_advice: str, folder: Path | None) -> str | None:
    """A sentence about what the computer lacks; None where that is not the cause."""
    if is_out_of_memory(error):
        return f"The {noun} ran out of memory; {memory_advice}."
    if _is_full_disk(error, folder):
        return "The disk of the output folder is full; free some space or use another disk."
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return (
            f"{_name_in(error, folder)} is larger than the system allows files to be; raise the limit "
            "(ulimit -f) or choose another disk."
        )
    if any(text in str(error) for text in NO_THREAD_TEXTS):
        return (
            f"The system allows the {noun} no more threads or processes; close other programs, raise the "
            "limit (ulimit -u) or use --threads 1."
        )
    if isinstance(error, ImportError) and error.name:
        limit = memory_limit_mb()
        scarce = "" if limit is None else f"raise the limit of memory, {limit} MB (ulimit), or "
        return (
            f"The Python package '{error.name}' cannot be loaded ({one_line(error)}); "
            f"{scarce}install this program again with its requirements."
        )
    return None


def unsaid_ending(ending: WorkerEnding, noun: str, memory_advice: str) -> SpineError:
    """What it means to the user that a worker ended without a word.

    Args:
        ending: of the worker.
        noun: what was running, such as "registration".
        memory_advice: what helps when memory is short.
    """
    code, reading, overdue = ending.returned, ending.reading, ending.overdue
    if overdue is not None:
        return InputError(
            f"Reading '{overdue.path}' was ended after {overdue.limit_s:.0f} s: it seems damaged or its disk "
            "is too slow; export it again or copy it to another disk."
        )
    if code in ENDED_BY_KILL or code == WINDOWS_NO_MEMORY:
        where = f" while it read {reading}" if reading else ""
        return SpineError(
            f"The {noun} ran out of memory{where} and was ended by the system; {memory_advice}."
        )
    if -code in ENDED_BY_ASKING or code - 128 in ENDED_BY_ASKING:
        return SpineError(f"The {noun} was ended by another program ({_ending_name(code)}); run it again.")
    if code == 0:
        return SpineError(f"The {noun} ended without a word, so its results were not kept; run it again.")
    if reading:
        return InputError(
            f"Reading {reading} crashed ({_ending_name(code)}): it seems damaged; copy or export it again."
        )
    if code == 1:
        return SpineError(
            f"The {noun} was ended by one of its libraries; close other programs and run it again."
        )
    return SpineError(
        f"The {noun} crashed in native code ({_ending_name(code)}); "
        f"try --device cpu, or set {TRACEBACK}=1 and run it again to see the details."
    )


def _ending_name(code: int) -> str:
    number = -code if code < 0 else code - 128
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"exit code {code:#x}" if code > 255 else f"exit code {code}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, ITK, torch or onnxruntime, or what led to it, says that memory is short."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    if any(text in str(error).lower() for text in OUT_OF_MEMORY_TEXTS):
        return True
    origin = error.__cause__ or error.__context__
    return origin is not None and is_out_of_memory(origin)


def _is_full_disk(error: BaseException, folder: Path | None) -> bool:
    """Whether the disk is the cause; native writers say only that they failed, so look at the disk."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return True
    try:
        return folder is not None and shutil.disk_usage(folder).free < FULL_DISK_BYTES
    except OSError:
        return False


def _name_in(error: OSError, folder: Path | None) -> str:
    """The file that an error is about, by its place in the output folder if it is there."""
    if error.filename is None:
        return "A file"
    path = Path(os.fsdecode(error.filename))
    inside = folder is not None and folder in path.parents
    return f"'{path.relative_to(folder) if folder is not None and inside else path}'"


def one_line(error: BaseException) -> str:
    """The error's message, shortened, without line breaks."""
    text = " ".join(str(error).split()) or "no message"
    return text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + "…"


def is_text(words: str) -> bool:
    """Whether words can be written: bytes of arguments and paths that are no UTF-8 come as surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in words)


def readable(sentence: str) -> str:
    """A sentence on one line, in which what was quoted from a file or a command line is not endless."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in sentence)
    return _shortened(" ".join(_shortened(word, LONGEST_WORD) for word in shown.split(" ")), LONGEST_SENTENCE)


def _shortened(text: str, most: int) -> str:
    """The beginning and the end of a text."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 :]}"
