"""The README's lines of Python, run and type-checked as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from spine_ctmr.phantoms.phantom_files import write_phantom

from .conftest import Registered

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def python_block() -> str:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return block


def test_the_block_is_short() -> None:
    assert len([line for line in python_block().splitlines() if line.strip()]) <= 8


def test_the_block_runs(
    registered: Registered,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After the demo, whose patient it registers; here another one stands in its place."""
    patient = tmp_path / "spine-ctmr-demo" / "patient"
    patient.mkdir(parents=True)
    write_phantom(registered.phantom, patient)
    monkeypatch.chdir(tmp_path)
    exec(compile(python_block(), "README.md", "exec"), {})
    assert "'L3': 'good'" in capsys.readouterr().out
    assert (tmp_path / "result" / "report.html").is_file()


def test_a_users_lines_have_types(tmp_path: Path) -> None:
    wrong = 'result.flags["L3"] + 1\nresult.pose\nspine_ctmr.registre\n'
    right = """\
flag: str = result.flags["L3"]
moved: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]" = spine_ctmr.move_points(result, [(1, 2, 3)], "L3")
failure: str | None = spine_ctmr.read_result("result").failure
error: float = spine_ctmr.evaluate(result).overall["tre_mm"]
"""
    (tmp_path / "user.py").write_text(f"import numpy as np\\n{python_block()}{right}".replace("\\n", "\n"))
    (tmp_path / "slips.py").write_text(f"{python_block()}{wrong}")
    assert checked(tmp_path / "user.py") == []
    assert len(checked(tmp_path / "slips.py")) == 3


def checked(file: Path) -> list[str]:
    """What mypy complains of."""
    options = ["--strict", "--follow-imports=silent", "--ignore-missing-imports", "--no-error-summary"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, file.name],
        capture_output=True,
        text=True,
        check=False,
        cwd=file.parent,
        env={"PATH": "", "MYPYPATH": str(REPOSITORY / "SpineCTMRRegistration")},
    )
    assert done.stderr == ""
    return done.stdout.splitlines()
