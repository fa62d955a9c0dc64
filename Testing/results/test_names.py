"""The names of result files are told once, and cost the panel in 3D Slicer nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from spine_ctmr.results import names

PACKAGES = Path(__file__).resolve().parents[2] / "SpineCTMRRegistration"
FILES = [
    value
    for key, value in vars(names).items()
    if key.isupper() and isinstance(value, str) and "." in value.strip(".")
]


def test_the_code_takes_the_names_from_here() -> None:
    quoted = re.compile("|".join(f'"{re.escape(name)}"' for name in FILES))
    own = {Path(names.__file__), PACKAGES / "spine_ctmr" / "process" / "own_files.py"}
    elsewhere = {p for p in PACKAGES.rglob("*.py") if quoted.search(p.read_text(encoding="utf-8"))} - own
    assert len(FILES) > 10
    assert not elsewhere


def test_importing_them_loads_no_other_package() -> None:
    code = (
        "import sys; old = set(sys.modules); import spine_ctmr.results.names; print(*set(sys.modules) - old)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGES, timeout=60
    )
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert packages - sys.stdlib_module_names == {"spine_ctmr"}


def test_poses_are_found_by_their_vertebra(tmp_path: Path) -> None:
    (tmp_path / "vertebrae").mkdir()
    for name in ("L2.tfm", "T13.tfm", "notes.tfm", "L1.txt", "L2_copy.tfm", "20.tfm"):
        (tmp_path / "vertebrae" / name).touch()
    assert names.pose_files(tmp_path) == {
        21: tmp_path / "vertebrae" / "L2.tfm",
        28: tmp_path / "vertebrae" / "T13.tfm",
    }
    assert names.pose_file(21) == "vertebrae/L2.tfm"
