"""Threads: how many the numerical libraries use, and work beside the main one.

SimpleITK, torch and numpy compute without Python's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
"""Environment variables that numerical libraries read when they are loaded."""


@contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Compute inside with so many threads of torch and SimpleITK, and as before afterwards.

    Args:
        threads: None leaves all as it is.
    """
    import SimpleITK as sitk
    import torch

    before = torch.get_num_threads(), sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        _set_threads(*(before if threads is None else (threads, threads)))
        yield
    finally:
        _set_threads(*before)


def _set_threads(of_torch: int, of_itk: int) -> None:
    import SimpleITK as sitk
    import torch

    torch.set_num_threads(of_torch)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(of_itk)


def single_blas_thread() -> AbstractContextManager[Any]:
    """One thread of NumPy's and SciPy's BLAS inside: on short vectors several wait for each other.

    SciPy's L-BFGS on 40,000 numbers takes five times the CPU time with two, and minutes on a busy machine.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")


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
