"""Registration methods that behave or fail in one way, in the benchmark's child processes."""

import os
import signal
import time
from pathlib import Path

import SimpleITK as sitk
from spine_ctmr.research.studies.benchmark.problem import Problem

CALLS = "BENCHMARK_STANDIN_CALLS"
"""Environment variable: the file to which `counted` adds a line per call."""


def counted(problem: Problem, threads: int) -> sitk.Transform:
    """The start; works for 0.3 s and tells that it was called, and with how many threads."""
    with Path(os.environ[CALLS]).open("a") as stream:
        stream.write(f"{threads} {os.environ['OMP_NUM_THREADS']}\n")
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    return problem.after_start(sitk.TranslationTransform(3))


def shifted(problem: Problem, threads: int) -> sitk.Transform:
    """3 mm beside the start, in two parts, as ANTs gives."""
    parts = [sitk.TranslationTransform(3, (0.0, y, 0.0)) for y in (1.0, 2.0)]
    return problem.after_start(sitk.CompositeTransform(parts))


def stretched(problem: Problem, threads: int) -> sitk.Transform:
    """The start of an image that is 10 % larger along the spine."""
    stretch = sitk.AffineTransform(3)
    stretch.SetMatrix((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.1))
    return problem.after_start(stretch)


def crashing(problem: Problem, threads: int) -> sitk.Transform:
    """Die as native code does."""
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def failing(problem: Problem, threads: int) -> sitk.Transform:
    """Raise an error."""
    raise ValueError("too few samples")


def sleeping(problem: Problem, threads: int) -> sitk.Transform:
    """Never come back."""
    time.sleep(600)
    raise AssertionError
