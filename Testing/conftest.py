"""Settings that must be made before the libraries are loaded, and the real cases."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real cases."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SPINE_CTMR_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set SPINE_CTMR_DATA")
    return folder
