"""Host tests run without a screen and compare with what releases of Slicer offer."""

import json
import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

API = Path(__file__).resolve().parents[3] / "shared" / "slicer_api"


@pytest.fixture(params=["slicer-5.10.json", "slicer-5.12.json"])
def api(request):
    """What a release of Slicer offers."""
    path = API / request.param
    if not path.exists():
        pytest.skip(f"no list of Slicer's classes at {path}")
    return json.loads(path.read_text())
