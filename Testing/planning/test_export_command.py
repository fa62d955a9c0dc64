"""`spine-ctmr export-dicom` as users start it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from .conftest import PATIENT_ID, Patient


def _command(patient: Patient, output: Path, *words: object) -> subprocess.CompletedProcess[str]:
    series = ["--ct", patient.ct, "--mr", patient.mr, "--output", output]
    line = ["export-dicom", patient.result, *series, *words]
    return subprocess.run(
        [sys.executable, "-m", "spine_ctmr", *map(str, line)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _anonymous(text: str) -> bool:
    return not any(word in text for word in (PATIENT_ID, "ller", "rgen", "19600102"))


@pytest.mark.slow
def test_from_folders_to_files(patient: Patient, tmp_path: Path) -> None:
    pytest.importorskip("vtk", reason="vtk is not installed (extra 'models')")
    output = tmp_path / "planning"
    labels = ("--vertebrae", patient.labels)
    done = _command(patient, output, *labels, "--models", "stl", "--progress", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    names = {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()}
    assert names >= {
        *("registration/rigid_ct_to_mr.dcm", "registration/deformable_mr_to_ct.dcm"),
        *("registration/deformable_ct_to_mr.dcm", "registration/vertebrae/L3_ct_to_mr.dcm"),
        *("ct_in_mr/0001.dcm", "mr_in_ct/0001.dcm", "vertebrae_in_mr.dcm", "vertebrae_in_ct.dcm"),
        *("models/L3.stl", "models/L4.stl", "run.json"),
    }
    fractions = [line["fraction"] for line in map(json.loads, done.stdout.splitlines()) if "fraction" in line]
    assert fractions == sorted(fractions)
    assert len(fractions) > 8
    assert _anonymous(done.stdout)
    assert _anonymous((output / "run.json").read_text())
    assert not list(tmp_path.glob(".spine-ctmr*"))


def test_a_refusal_leaves_nothing(patient: Patient, tmp_path: Path) -> None:
    def rename(data: Dataset) -> None:
        data.PatientID = "other"

    mr = tmp_path / "mr"
    mr.mkdir()
    for path in patient.mr.iterdir():
        data = pydicom.dcmread(path)
        rename(data)
        data.save_as(mr / path.name)
    stranger = Patient(patient.ct, mr, patient.labels, patient.result)
    done = _command(stranger, tmp_path / "planning")
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if " % " not in line]
    assert len(errors) == 1
    assert "different patients" in errors[0]
    assert _anonymous(done.stdout + done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["mr"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--models", "stl"], "--vertebrae"),
        (["--grid-spacing", "0"], "between 0 and 100"),
        (["--vertebrae", "nowhere.nrrd"], "does not exist"),
    ],
)
def test_wrong_arguments(patient: Patient, tmp_path: Path, words: list[str], message: str) -> None:
    done = _command(patient, tmp_path / "planning", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


def test_inputs_are_not_overwritten(patient: Patient) -> None:
    before = {path: path.read_bytes() for path in patient.ct.iterdir()}
    done = _command(patient, patient.ct / "planning", "--overwrite")
    assert done.returncode == 2
    assert "inside the input folder" in done.stderr
    assert {path: path.read_bytes() for path in patient.ct.iterdir()} == before


def test_register_does_not_load_what_export_needs() -> None:
    code = (
        "import sys; import spine_ctmr.command.main; "
        "print([m for m in ('highdicom', 'vtk', 'pydicom', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
