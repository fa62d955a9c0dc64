"""The README's lines of Python, run and type-checked as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def python_block() -> str:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return block


def test_the_block_is_short() -> None:
    assert len([line for line in python_block().splitlines() if line.strip()]) <= 8


def test_the_block_runs(after_the_demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(python_block(), "README.md", "exec"), {})
    assert "'L3': 'good'" in capsys.readouterr().out
    assert (after_the_demo / "result" / "report.html").is_file()


USER = """\
import numpy as np
from numpy.typing import NDArray
flag: str = result.flags["L3"]
moved: NDArray[np.float64] = spine_ctmr.move_points(result, [(1, 2, 3)], "L3")
failure: str | None = spine_ctmr.read_result("result").failure
error: float = spine_ctmr.evaluate(result).overall["tre_mm"]
"""
SLIPS = """\
result.flags["L3"] + 1
result.pose
spine_ctmr.registre
spine_ctmr.register("ct.nrrd", "mr.nrrd")
"""
MYPY = """\
[mypy]
strict = true
follow_imports = silent
ignore_missing_imports = true
[mypy-torch.*,scipy.*,matplotlib.*,onnxruntime.*,PIL.*,h5py.*,jinja2.*,threadpoolctl.*]
follow_imports = skip
"""
"""The user's own lines strictly; what the engine needs inside does not show in its face."""


def test_a_users_lines_have_types(tmp_path: Path) -> None:
    right = python_block() + USER
    slips = [len(right.splitlines()) + k for k in (1, 2, 3, 4)]
    assert sorted(set(complaints(tmp_path, right + SLIPS))) == slips


def complaints(folder: Path, lines: str) -> list[int]:
    """Numbers of the lines of which mypy complains."""
    (folder / "user.py").write_text(lines)
    (folder / "mypy.ini").write_text(MYPY)
    packages = {**os.environ, "MYPYPATH": str(REPOSITORY / "SpineCTMRRegistration")}
    words = [sys.executable, "-m", "mypy", "user.py"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder, env=packages)
    assert done.returncode in (0, 1), done.stderr
    assert ("Success" in done.stdout) == (done.returncode == 0)
    return [int(number) for number in re.findall(r"^user\.py:(\d+): error", done.stdout, re.MULTILINE)]
