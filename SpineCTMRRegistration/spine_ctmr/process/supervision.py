"""Runs a worker process, and ends it with all it started when the user cancels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from ..errors import SpineError

POLL_S = 0.1
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


def supervise(
    command: Sequence[str],
    environment: Mapping[str, str],
    cancelled: threading.Event,
    grace_s: float = 0.5,
) -> int:
    """Run a worker to its end and return its exit code (negative: the signal that ended it).

    Standard output and error are the worker's own; its standard input is a pipe that ends with this process.

    Args:
        command: the program and its arguments.
        environment: all its environment variables.
        cancelled: ends the worker when set, whatever it is doing.
        grace_s: the time it then has to end by itself (not on Windows).

    Raises:
        SpineError: the worker could not be started.
    """
    try:
        process = _start(command, environment)
    except OSError as error:
        raise SpineError(
            f"The worker process '{command[0]}' cannot be started ({error.strerror}); "
            "check the Python installation."
        ) from error
    with process:
        try:
            while not cancelled.is_set():
                try:
                    return process.wait(POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.returncode is None:
                end_tree(process, grace_s)
        return process.returncode


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that a key pressed in the terminal reaches only its overseer."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, creationflags=flags)
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)


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
