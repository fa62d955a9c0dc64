"""An independent validator of DICOM files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

VALIDATOR = "dciodvfy"


def require_validator() -> None:
    """Skip the test where the validator is missing."""
    if shutil.which(VALIDATOR) is None:
        pytest.skip(f"{VALIDATOR} is not installed (Debian: apt-get install dicom3tools)")


def errors_of(path: Path) -> list[str]:
    """What Debian's dicom3tools call an error in a DICOM file."""
    done = subprocess.run([VALIDATOR, path], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    assert any(not line.startswith(("Error", "Warning")) for line in lines), "the validator named no IOD"
    return [f"{path.name}: {line}" for line in lines if line.startswith("Error")]
