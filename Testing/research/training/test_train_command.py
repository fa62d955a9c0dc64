"""`spine-ctmr train`: survives being killed, refuses what it cannot use, learns from own patients."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.phantoms.phantom import PhantomOptions, make_phantom
from spine_ctmr.phantoms.phantom_files import write_phantom
from spine_ctmr.research.training.checkpoint import load_state
from spine_ctmr.research.training.own_data import own_patients, read_patient
from spine_ctmr.research.training.own_files import signature
from spine_ctmr.research.training.recipe_file import load_recipe
from spine_ctmr.research.training.run_log import read_log

from .conftest import train_command, train_here, write_recipe


def start(*words: str | Path) -> subprocess.Popen:
    """The command in a process of its own."""
    program = [sys.executable, "-m", "spine_ctmr", *train_command(*words)]
    return subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is not known here")
def test_killed_at_any_moment_and_resumed_it_ends_as_if_never_stopped(tmp_path: Path, bank: Path) -> None:
    recipe = write_recipe(tmp_path, 120)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    train_here(recipe, "--output", straight, "--bank", bank)
    for steps in (7, 50):
        process = start(recipe, "--output", killed, "--bank", bank, "--resume")
        while len(read_log(killed / "steps.csv")) < steps and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait()
        time.sleep(1)  # the worker notices that its overseer is gone
        assert steps <= len(read_log(killed / "steps.csv")) < 120
    train_here(recipe, "--output", killed, "--bank", bank, "--resume")
    for file in ("last.pt", "best.pt", "milestone.pt"):
        a, b = load_state(straight / file), load_state(killed / file)
        for part in {"model", "average", "weights"} & set(a):
            assert all(torch.equal(a[part][name], b[part][name]) for name in a[part])
    rows = [[row["loss"] for row in read_log(run / "steps.csv")] for run in (straight, killed)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 120


def test_patients_of_the_bank_are_made_once(tmp_path: Path, bank: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in bank.rglob("*.npz")}
    assert len(before) == 6
    train_here(write_recipe(tmp_path, 1), "--output", tmp_path / "r", "--bank", bank)
    assert {p: p.stat().st_mtime_ns for p in bank.rglob("*.npz")} == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("steps", "stepz"), r"unknown recipe key 'stepz'; did you mean 'steps'?"),
        (("smoothness", "smoothnes"), r"did you mean 'loss.smoothness'?"),
        (("displacement = 1.0", "displacement = 'much'"), "'loss.displacement' has an unusable value"),
    ],
)
def test_bad_recipe_key_is_one_sentence(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text().replace(*change))
    with pytest.raises(InputError, match=re.escape(sentence)):
        train_here(recipe, "--output", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_unknown_recipe_and_existing_run_are_refused(tmp_path: Path, bank: Path) -> None:
    process = start("jian_pcc", "--output", tmp_path / "run")
    sentence = process.communicate(timeout=120)[1]
    assert process.returncode == 2
    assert "did you mean 'jian_pc'?" in sentence
    assert "Traceback" not in sentence
    recipe = write_recipe(tmp_path, 1)
    train_here(recipe, "--output", tmp_path / "run", "--bank", bank)
    with pytest.raises(InputError, match="already holds a training run"):
        train_here(recipe, "--output", tmp_path / "run", "--bank", bank)


def test_resuming_where_there_is_no_run_says_so(
    tmp_path: Path, bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = write_recipe(tmp_path, 1), "--output", tmp_path / "run", "--bank", bank, "--resume"
    sentence = f"There is no run in '{tmp_path / 'run'}'; a new one begins."
    for says in (True, False):
        capsys.readouterr()
        train_here(*words)
        assert (sentence in capsys.readouterr().err) is says


def test_a_file_without_weights_is_refused_before_patients_are_made(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"half a file")
    words = write_recipe(tmp_path), "--output", tmp_path / "run", "--weights", tmp_path / "best.pt"
    with pytest.raises(InputError, match=r"best\.pt: the checkpoint cannot be read"):
        train_here(*words)
    assert not (tmp_path / "run").exists()


def test_progress_tells_the_time_left(tmp_path: Path, bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path, 3)
    capsys.readouterr()
    train_here(recipe, "--output", tmp_path / "run", "--bank", bank, progress="json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    training = [line for line in lines if line.get("stage") == "training"]
    assert training[-1]["fraction"] == 1.0
    assert training[-1]["remaining_s"] == 0.0
    assert lines[-1] == {"result": str(tmp_path / "run")}


def test_own_patients_are_aligned_and_learned_from(tmp_path: Path, own: Path) -> None:
    recipe = write_recipe(tmp_path, 3, "mind = 1.0\nsmoothness = 0.1")
    train_here(recipe, "--output", tmp_path / "run", "--data", own)
    (row,) = read_log(tmp_path / "run" / "validation.csv")
    assert float(row["dice"]) > 0.9  # the network still gives nearly no motion, and the start is exact
    assert row["bone_mm"] == "nan"
    assert not any(name in str(p) for p in (tmp_path / "run").rglob("*") for name in ("first", "second"))


def test_own_patients_are_prepared_once_and_again_when_changed(tmp_path: Path, own: Path) -> None:
    recipe = load_recipe(write_recipe(tmp_path))
    data = own_patients(recipe, own, tmp_path / "bank")
    held_out = read_patient(data.held_out[0])
    assert held_out.mr_labels is not None
    overlap = (held_out.mr_labels == held_out.ct_labels)[held_out.ct_labels > 0]
    assert overlap.mean() > 0.97
    files = sorted((tmp_path / "bank").rglob("*.npz"))
    times = [p.stat().st_mtime_ns for p in files]
    own_patients(recipe, own, tmp_path / "bank")
    assert [p.stat().st_mtime_ns for p in files] == times
    changed = own / "second" / "mr.nii.gz"
    os.utime(changed, (1, 1))
    own_patients(recipe, own, tmp_path / "bank")
    assert len(list((tmp_path / "bank").rglob("*.npz"))) == 2
    sitk.WriteImage(sitk.ReadImage(str(changed)) + 1, str(changed))
    own_patients(recipe, own, tmp_path / "bank")
    assert len(list((tmp_path / "bank").rglob("*.npz"))) == 3


def test_an_added_patient_makes_other_patients(tmp_path: Path, own: Path) -> None:
    recipe = load_recipe(write_recipe(tmp_path))
    before = own_patients(recipe, own, tmp_path / "bank").patients
    assert own_patients(recipe, own, tmp_path / "bank").patients == before
    copytree(own / "first", own / "third")
    assert own_patients(recipe, own, tmp_path / "bank").patients != before


def test_patients_are_told_apart_by_what_their_files_hold(tmp_path: Path) -> None:
    """Also where size and date are alike; a DICOM folder is all files in it."""

    def written(name: str, content: bytes) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (1, 1))
        os.utime(file.parent, (1, 1))
        return file

    first, second = (signature({"ct": written(f"{k}/ct.nii", bytes([k]))}) for k in (1, 2))
    assert first != second
    assert signature({"ct": written("3/ct.nii", bytes([1]))}) == first
    folder = {"ct": written("dicom/series/1.dcm", b"old").parents[1]}
    before = signature(folder)
    written("dicom/series/1.dcm", b"new")
    assert signature(folder) != before


@pytest.mark.slow
def test_phantoms_are_patients_to_learn_from_as_they_are_written(tmp_path: Path) -> None:
    small = PhantomOptions(
        levels=(23, 24),
        mr_spacing_mm=(2.5, 2.5),
        ct_spacing_mm=(2.5, 2.5),
        margin_mm=14.0,
        truth_spacing_mm=3.0,
    )
    for seed in (1, 2):
        folder = tmp_path / "patients" / f"patient-{seed}"
        folder.mkdir(parents=True)
        write_phantom(make_phantom(seed, small), folder)
    recipe = load_recipe(write_recipe(tmp_path))
    data = own_patients(recipe, tmp_path / "patients", tmp_path / "bank")
    for file in (*data.training, *data.held_out):
        assert set(np.unique(read_patient(file).ct_labels)) == {0, 23, 24}
    assert len(data.training) + len(data.held_out) == 2


def test_own_data_without_what_it_needs_is_refused(tmp_path: Path, own: Path) -> None:
    recipe = write_recipe(tmp_path)
    with pytest.raises(InputError, match="need the true displacement"):
        train_here(recipe, "--output", tmp_path / "run", "--data", own)
    with pytest.raises(InputError, match=r"own/second' holds no 'mr_labels', which the loss 'overlap' needs"):
        train_here(write_recipe(tmp_path, 3, "overlap = 1.0"), "--output", tmp_path / "run", "--data", own)
    write_recipe(tmp_path)
    (own / "first" / "mr.nii.gz").unlink()
    with pytest.raises(InputError, match="holds no 'mr'"):
        train_here(recipe, "--output", tmp_path / "run", "--data", own)
    with pytest.raises(InputError, match="does not exist"):
        train_here(recipe, "--output", tmp_path / "run", "--data", tmp_path / "none")
