"""What tests of the panel wait for and look at."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def temporary_files() -> list[str]:
    """What lies in Slicer's temporary folder."""
    import slicer

    return sorted(path.name for path in Path(slicer.app.temporaryPath).iterdir())


def wait(until: Callable[[], bool], seconds: float = 600.0) -> None:
    """Let the event loop run until something is true."""
    import slicer

    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "waited too long"
        slicer.app.processEvents()
        time.sleep(0.01)


def children() -> set[int]:
    """Process ids of all descendants of this process."""
    found, parents = set(), {os.getpid()}
    processes = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        fields = stat.rpartition(")")[2].split()
        if fields[0] != "Z":
            processes.append((int(entry.name), int(fields[1])))
    while parents:
        parents = {pid for pid, parent in processes if parent in parents} - found
        found |= parents
    return found
