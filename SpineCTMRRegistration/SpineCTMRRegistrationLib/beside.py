"""Work beside the main thread: SimpleITK, torch and numpy compute without Python's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import torch


def beside(workers: int = 1) -> Executor:
    """Threads for work beside the main one.

    Where torch was given a single thread there are none, and work is done where it is submitted.
    """
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
