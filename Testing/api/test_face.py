"""What `import spine_ctmr` gives, and what it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import spine_ctmr

PACKAGES = Path(__file__).resolve().parents[2] / "SpineCTMRRegistration"


def test_every_name_is_there_and_documented() -> None:
    for name in spine_ctmr.__all__:
        assert getattr(spine_ctmr, name) is getattr(spine_ctmr, name)
        assert name == "__version__" or getattr(spine_ctmr, name).__doc__
    assert dir(spine_ctmr) == sorted(spine_ctmr.__all__)
    with pytest.raises(AttributeError, match="no attribute 'registre'"):
        _ = spine_ctmr.registre


def test_importing_it_loads_no_other_package() -> None:
    """Which keeps it below 0.2 s whatever the computer does besides."""
    code = "import sys; old = set(sys.modules); import spine_ctmr; print(*set(sys.modules) - old)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGES, timeout=60
    )
    assert {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names == {
        "spine_ctmr"
    }


def test_the_packages_say_that_they_have_types() -> None:
    assert (PACKAGES / "spine_ctmr" / "py.typed").is_file()
