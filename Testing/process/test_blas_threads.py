"""The number of BLAS threads inside and after work that several would slow down."""

from __future__ import annotations

import numpy as np  # noqa: F401  (loads a BLAS)
from spine_ctmr.process.threads import single_blas_thread
from threadpoolctl import threadpool_info, threadpool_limits


def _threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_one_thread_inside_and_as_before_afterwards() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = _threads()
        with single_blas_thread():
            assert set(_threads()) == {1}
        assert _threads() == before
        assert 2 in before
