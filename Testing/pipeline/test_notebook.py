"""The notebook of the documentation, run cell by cell as it stands there."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from spine_ctmr.phantoms.phantom_files import write_phantom

from .conftest import Registered

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"
pytestmark = pytest.mark.slow


def code() -> list[str]:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_every_cell_runs(
    registered: Registered,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a folder where the demo has run; here another patient stands in its place."""
    patient = tmp_path / "spine-ctmr-demo" / "patient"
    patient.mkdir(parents=True)
    write_phantom(registered.phantom, patient)
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    names: dict[str, object] = {}
    for number, cell in enumerate(code()):
        exec(compile(cell, f"{NOTEBOOK.name}, cell {number}", "exec"), names)
    assert "L4: good" in capsys.readouterr().out
    np.testing.assert_allclose(names["rigid"], names["in_mr"], atol=0.05)
    names["figure"].savefig(tmp_path / "figure.png")
    assert (tmp_path / "result" / "viewer.html").is_file()
