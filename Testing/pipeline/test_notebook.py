"""The notebook of the documentation, run cell by cell as it stands there."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry.grid import Grid

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebook.ipynb"
pytestmark = pytest.mark.slow


def code() -> list[str]:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_every_cell_runs(after_the_demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    matplotlib.use("Agg")
    names: dict[str, object] = {}
    for number, cell in enumerate(code()):
        exec(compile(cell, f"{NOTEBOOK.name}, cell {number}", "exec"), names)
    assert "L4: good" in capsys.readouterr().out
    labels = names["result"].vertebrae_in_mr
    near = np.linalg.norm(Grid.of(labels).points() - names["in_mr"], axis=-1) < 5
    assert near.any()
    assert np.all(sitk.GetArrayFromImage(labels)[near] == 23)
    assert np.linalg.norm(np.subtract(names["rigid"], names["in_mr"])) < 0.02
    names["figure"].savefig(after_the_demo / "figure.png")
    assert (after_the_demo / "result" / "viewer.html").is_file()
