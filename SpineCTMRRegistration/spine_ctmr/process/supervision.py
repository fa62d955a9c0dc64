"""Runs a worker process, and ends it with all it started when the user cancels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from ..errors import SpineError
from .account import PIPE, Account, FileReading, pipe_for_worker

POLL_S = 0.1
LAST_WORDS_S = 2.0
"""How long to listen to a worker that has ended, of which a process may be left."""
POSIX = os.name == "posix"


@contextmanager
def cancellation(watch_input: bool = False) -> Iterator[threading.Event]:
    """Turn requests to stop into an event instead of an interruption, so that clean-up is never cut short.

    Listens to SIGINT and SIGTERM, to SIGHUP unless it is ignored (nohup), and to Ctrl+Break on Windows.

    Args:
        watch_input: also take the end of standard input for a request to stop.
    """
    cancelled = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        cancelled.set()

    previous = {number: signal.signal(number, on_signal) for number in _stop_signals()}
    if watch_input:
        threading.Thread(target=_set_at_end_of_input, args=(cancelled,), daemon=True).start()
    try:
        yield cancelled
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stop_signals() -> list[signal.Signals]:
    if threading.current_thread() is not threading.main_thread():
        return []
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return numbers


def _set_at_end_of_input(cancelled: threading.Event) -> None:
    with suppress(OSError):  # a closed standard input has ended as well
        while os.read(0, 1024):
            pass
    cancelled.set()


@dataclass(frozen=True)
class WorkerEnding:
    """How a worker ended.

    Attributes:
        told: the exit code that it said; None if it ended without a word.
        returned: the exit code that the system tells, negative for the signal that ended it; 0 also where it
            was lost.
        reading: the files that it was reading, in quotation marks; None if there were none.
        overdue: a file that took so long to read that the worker was ended.
    """

    told: int | None
    returned: int
    reading: str | None
    overdue: FileReading | None


def supervise(
    command: Sequence[str],
    environment: Mapping[str, str],
    cancelled: threading.Event,
    grace_s: float = 0.5,
) -> WorkerEnding:
    """Run a worker to its end.

    Standard output and error are the worker's own; its standard input is a pipe that ends with this process.

    Args:
        command: the program and its arguments.
        environment: all its environment variables.
        cancelled: ends the worker when set, whatever it is doing.
        grace_s: the time it then has to end by itself (not on Windows).

    Raises:
        SpineError: the worker could not be started.
    """
    account = Account()
    with _exit_codes_kept():
        process, listener = _started(command, environment, account)
        with process:
            overdue = _waited_for(process, account, cancelled, grace_s)
        listener.join(LAST_WORDS_S)
    reading = " and ".join(f"'{one.path}'" for one in account.readings.values()) or None
    told = account.exit_code
    if told is None and process.returncode == 0 and not POSIX:  # no exit code is ever lost on Windows
        told = 0
    return WorkerEnding(told, process.returncode, reading, overdue)


@contextmanager
def _exit_codes_kept() -> Iterator[None]:
    """Undo what a parent that ignores SIGCHLD hands down: the exit codes of children would be lost."""
    main = threading.current_thread() is threading.main_thread()
    if not (POSIX and main and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN):
        yield
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def _started(
    command: Sequence[str], environment: Mapping[str, str], account: Account
) -> tuple[subprocess.Popen[bytes], threading.Thread]:
    """The worker, and the thread that listens to it."""
    ear, mouth, name = pipe_for_worker()
    listener = threading.Thread(target=account.listen, args=(ear,), daemon=True)
    try:
        listener.start()
        process = _start(command, {**environment, PIPE: name})
    except OSError as error:
        raise SpineError(
            f"The worker process '{command[0]}' cannot be started ({error.strerror}); "
            "check the Python installation."
        ) from error
    finally:
        os.close(mouth)
    return process, listener


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that a key pressed in the terminal reaches only its overseer.

    It inherits what was made inheritable: its pipe, and the lock on its output.
    """
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, env=environment, close_fds=False, creationflags=flags
        )
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, env=environment, close_fds=False, start_new_session=True
    )


def _waited_for(
    process: subprocess.Popen[bytes], account: Account, cancelled: threading.Event, grace_s: float
) -> FileReading | None:
    """Wait for a worker's end, or end it; the file for which it was ended, if any."""
    overdue = None
    try:
        while overdue is None and not cancelled.is_set():
            try:
                process.wait(POLL_S)
                return None
            except subprocess.TimeoutExpired:
                overdue = account.overdue()
    finally:
        if process.returncode is None:
            end_tree(process, grace_s)
    return overdue


def end_tree(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """End a process and everything it started: ask, and after `grace_s` insist."""
    if POSIX:
        _signal_group(process.pid, signal.SIGTERM)
    else:
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
    if POSIX:
        _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # all its processes have ended
        os.killpg(group, number)
