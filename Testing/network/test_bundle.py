import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spine_ctmr
from spine_ctmr.network.bundle import bundled_network_directory

LIBRARY = Path(spine_ctmr.__file__).parent
PRINT = "from spine_ctmr.network.bundle import bundled_network_directory as d; print(d(), end='')"


@pytest.fixture
def library(tmp_path):
    """A copy of the library's lightest part, without network files."""
    copy = tmp_path / "spine_ctmr"
    (copy / "network").mkdir(parents=True)
    for name in ("__init__.py", "errors.py", "network/__init__.py", "network/bundle.py"):
        shutil.copy(LIBRARY / name, copy / name)
    return copy


def found_by(library) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(library.parent)}
    return subprocess.run(
        [sys.executable, "-c", PRINT], env=environment, cwd=library.parent, capture_output=True, text=True
    )


def test_this_copy_has_network_files():
    assert (bundled_network_directory() / "README.md").is_file()


@pytest.mark.parametrize("place", ["spine_ctmr/bundled_networks", "Resources/Networks"])
def test_found_where_installed_or_in_slicer(library, place):
    folder = library.parent / place
    folder.mkdir(parents=True)
    assert found_by(library).stdout == str(folder)


def test_missing_files_are_reported(library):
    assert "The network files are missing" in found_by(library).stderr
