"""The process in which one method registers one problem, so that crash, time and memory are its own."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

import SimpleITK as sitk

from ....process.account import tell_end
from ....process.lifeline import be_worker
from ....process.memory import peak_memory_mb
from ....results.names import MR_TO_CT
from .problem import read_problem

TRANSFORM, FOUND = MR_TO_CT, "found.json"


@dataclass(frozen=True)
class Cost:
    """What a registration took, without loading packages, reading and writing.

    Attributes:
        wall_s: by the clock.
        cpu_s: of all threads, user and system.
        memory_mb: the largest resident memory of the whole process, where the system tells.
    """

    wall_s: float
    cpu_s: float
    memory_mb: float | None


def main(function: str, folder: Path, threads: int) -> None:
    """Register the problem in `folder` with the function "module:name"; write transform and cost there."""
    be_worker()
    with (folder / "log.txt").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    module, name = function.split(":")
    register = getattr(import_module(module), name)
    problem = read_problem(folder)
    began, busy = time.perf_counter(), time.process_time()
    try:
        transform = register(problem, threads)
        cost = Cost(time.perf_counter() - began, time.process_time() - busy, peak_memory_mb())
        sitk.WriteTransform(transform, str(folder / TRANSFORM))
    except Exception as error:
        traceback.print_exc()
        text = " ".join(str(error).split())[:200]
        (folder / FOUND).write_text(json.dumps({"failure": f"{type(error).__name__}: {text}"}))
        raise SystemExit(1) from error
    (folder / FOUND).write_text(json.dumps(asdict(cost)))
    tell_end(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
