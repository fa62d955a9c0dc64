"""Work beside the main thread keeps to the number of threads that the user gave."""

from __future__ import annotations

import threading

import pytest
import torch
from spine_ctmr.process.threads import beside


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_another_thread_works_only_where_there_may_be_one(threads):
    with beside() as background:
        elsewhere = background.submit(threading.get_ident).result() != threading.get_ident()
    assert elsewhere == (threads > 1)


def test_an_error_is_told_where_the_result_is_asked_for(threads):
    with beside() as background:
        division = background.submit(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            division.result()
