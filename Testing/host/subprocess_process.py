"""A child process on the standard library, where there is no Qt."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from spine_ctmr.process.supervision import POSIX, end_tree
from SpineCTMRRegistrationLib.process import OnBytes, OnEnded


class SubprocessProcess:
    """A child process on `subprocess`; its callbacks come while `wait` is called."""

    CHUNK_BYTES = 4096

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._events: queue.Queue[Callable[[], None]] = queue.Queue()
        self._ended = False

    def start(
        self, command: Sequence[str], folder: Path, on_output: OnBytes, on_errors: OnBytes, on_ended: OnEnded
    ) -> None:
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                list(command), cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=POSIX
            )
        except OSError:
            self._events.put(lambda: self._end(on_ended, None))
            return
        streams = ((self._process.stdout, on_output), (self._process.stderr, on_errors))
        readers = [threading.Thread(target=self._read, args=stream, daemon=True) for stream in streams]
        for reader in readers:
            reader.start()
        threading.Thread(target=self._await, args=(self._process, readers, on_ended), daemon=True).start()

    def end(self, grace_s: float) -> None:
        process = self._process
        if process is None or self._ended:
            return
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        timer = threading.Timer(grace_s, _kill, (process,))
        timer.daemon = True
        timer.start()

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._ended:
            try:
                self._events.get(timeout=max(deadline - time.monotonic(), 0))()
            except queue.Empty:
                return False
        return True

    def _read(self, stream: IO[bytes], receive: OnBytes) -> None:
        while chunk := os.read(stream.fileno(), self.CHUNK_BYTES):
            self._events.put(partial(receive, chunk))

    def _await(
        self, process: subprocess.Popen[bytes], readers: Sequence[threading.Thread], on_ended: OnEnded
    ) -> None:
        for reader in readers:
            reader.join()
        code = process.wait()
        self._events.put(lambda: self._end(on_ended, code))

    def _end(self, on_ended: OnEnded, code: int | None) -> None:
        self._ended = True
        on_ended(code)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        end_tree(process, grace_s=0.5)
