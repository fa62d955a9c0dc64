"""Settings that must be made before the libraries are loaded, and the real cases."""

import os
from pathlib import Path

import pytest
from gears import is_slow, scheduler, slow_groups_first

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:  # there is a worker for each core
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real cases."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SPINE_CTMR_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set SPINE_CTMR_DATA")
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests with a slow fixture are slow."""
    for item in items:
        if is_slow(item):
            item.add_marker("slow")
    if hasattr(config, "workerinput"):
        items[:] = slow_groups_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Tests that share something run by one worker."""
    return scheduler(config, log)
