"""Runs a method in a process of its own and tells how it ended."""

from __future__ import annotations

import json
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ....process.explanation import ENDED_BY_KILL
from ....process.lifeline import worker_environment
from ....process.supervision import supervise
from ....process.threads import THREAD_VARIABLES
from .child import FOUND, TRANSFORM, Cost
from .methods import Peer


@dataclass(frozen=True)
class PeerOutcome:
    """How a method ended: a transform and its cost, or a failure in words."""

    transform: sitk.Transform | None = None
    cost: Cost | None = None
    failure: str | None = None


def run_isolated(peer: Peer, folder: Path, threads: int, limit_s: float) -> PeerOutcome:
    """Register the problem that lies in `folder`.

    Args:
        peer: what to run.
        folder: holds the problem (`write_problem`); the files of an earlier method are replaced.
        threads: for the method, if it survives them.
        limit_s: the method is ended after this time.
    """
    for name in (TRANSFORM, FOUND):
        (folder / name).unlink(missing_ok=True)
    threads = peer.threads(threads)
    environment = {**worker_environment(None), **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    function = f"{peer.register.__module__}:{peer.register.__name__}"
    too_long = threading.Event()
    timer = threading.Timer(limit_s, too_long.set)
    timer.start()
    try:
        command = [sys.executable, "-m", f"{__package__}.child", function, str(folder), str(threads)]
        ending = supervise(command, environment, too_long)
    finally:
        timer.cancel()
    if too_long.is_set() and ending.told != 0:
        return PeerOutcome(failure=f"ended after {limit_s / 60:.3g} minutes without a result")
    found = _read(folder / FOUND)
    if "failure" in found:
        return PeerOutcome(failure=found["failure"])
    if ending.told != 0 or not found:
        return PeerOutcome(failure=_ending(ending.returned))
    return PeerOutcome(sitk.ReadTransform(str(folder / TRANSFORM)), Cost(**found))


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def _ending(code: int) -> str:
    if code in ENDED_BY_KILL:
        return "ended by the system, most likely for its memory"
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"crashed ({name})"
