"""What makes a process the worker of another one, and ends it when the other one disappears.

The overseer starts the worker with a marker in the environment and holds the other end of its
standard input. When the overseer is gone, even by SIGKILL, that pipe reads as ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

from .account import begin_account, tell_end

POSIX = os.name == "posix"
MARKER = "SPINE_CTMR_WORKER"
STAGING = "SPINE_CTMR_STAGING"
KEEP_FREED_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str((1 << 31) - 1)}
"""glibc reuses the memory of freed arrays; giving it back and faulting it in again costs a sixth of a
registration's time. Other C libraries ignore it."""


def worker_environment(staging: Path | None) -> dict[str, str]:
    """The environment in which a worker starts.

    Args:
        staging: the folder for its results, if it has one.
    """
    environment = {**os.environ, MARKER: "1", "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads crawl on a busy machine
    for name, value in KEEP_FREED_MEMORY.items():
        environment.setdefault(name, value)
    if staging is not None:
        environment[STAGING] = str(staging)
    library = Path(__file__).resolve().parents[2]
    if library.name not in ("site-packages", "dist-packages"):
        search_path = [str(library), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, search_path))
    return environment


def is_worker() -> bool:
    """Whether this process was started as a worker."""
    return MARKER in os.environ


def be_worker() -> Path | None:
    """Start to watch for the end of the overseer; call once, at the start of the worker.

    Removes the markers, so that a command started by this process is no worker of ours, and
    gives this process an empty standard input.

    Returns:
        The folder for the results, if there is one.
    """
    os.environ.pop(MARKER, None)
    begin_account()
    name = os.environ.pop(STAGING, None)
    staging = None if name is None else Path(name)
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with_overseer, args=(lifeline, staging), daemon=True).start()
    return staging


def leave(exit_code: int) -> NoReturn:
    """End the worker at once: to take apart what torch has loaded costs half a second."""
    sys.stdout.flush()
    sys.stderr.flush()
    tell_end(exit_code)
    os._exit(exit_code)


def _end_with_overseer(lifeline: int, staging: Path | None) -> None:
    while os.read(lifeline, 1024):
        pass
    for _ in range(3):  # the main thread may be writing there at this moment
        if staging is not None and staging.exists():
            shutil.rmtree(staging, ignore_errors=True)
    if staging is not None and POSIX:  # this process has inherited the claim
        shutil.rmtree(staging.parent, ignore_errors=True)
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
