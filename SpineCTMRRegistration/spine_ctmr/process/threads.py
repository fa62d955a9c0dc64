"""Threads: how many the numerical libraries use, and work beside the main one.

SimpleITK, torch and numpy compute without Python's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
"""Environment variables that numerical libraries read when they are loaded."""


def beside(workers: int = 1) -> Executor:
    """Threads for work beside the main one.

    Where torch was given a single thread there are none, and work is done where it is submitted.
    """
    import torch

    return _AtOnce() if torch.get_num_threads() == 1 else ThreadPoolExecutor(workers)


class _AtOnce(Executor):
    """Does work in the thread that submits it; as in a pool, its error is told by the future's result."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done
