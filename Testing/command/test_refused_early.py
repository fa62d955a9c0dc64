"""What cannot work is refused before anything is made."""

import os

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from run_here import run_here
from spine_ctmr.errors import InputError


def refusal(*words: str) -> str:
    with pytest.raises(InputError) as refused:
        run_here(*words)
    return str(refused.value)


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("words", [("papers", "jian"), ("train", "matching_2mm")])
def test_no_card(tmp_path, monkeypatch, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no usable CUDA device" in refusal(*words, "--device", "cuda", "--output", "out")
    assert list(tmp_path.iterdir()) == []


def test_no_card_for_the_demo(tmp_path, monkeypatch):
    """Told before the patient is made."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("spine_ctmr.demo.make_phantom", lambda *_: pytest.fail("a patient was made"))
    assert "no usable CUDA device" in refusal("demo", "--device", "cuda", "--output", "out")
    (tmp_path / "network.json").write_text("{}")
    assert "network.json" in refusal("demo", "--network", "network.json", "--output", "out")


def test_no_card_for_a_cohort(tmp_path, monkeypatch):
    """Told once, and not by every patient; a profile may name computers that have a card."""
    pytest.importorskip("snakemake", reason="pip install '.[cohort]'")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in ("ct", "mr", "labels"):
        (tmp_path / name).touch()
    (tmp_path / "patients.tsv").write_text("case\tct\tmr\tvertebrae\na\tct\tmr\tlabels\n")
    words = ("cohort", "patients.tsv", "--device", "cuda", "--output", "out")
    assert "no usable CUDA device" in refusal(*words)
    assert not (tmp_path / "out").exists()
    (tmp_path / "slurm").mkdir()
    monkeypatch.setattr("spine_ctmr.cohort.study.register_all", lambda *_: pytest.fail("went on"))
    with pytest.raises(pytest.fail.Exception, match="went on"):
        run_here(*words, "--profile", "slurm")


def test_no_networks_to_measure(tmp_path):
    assert "'out' holds no trained network" in refusal("papers", "jian", "--measure-only", "--output", "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", ["nan", "-1", "1e999", "five"])
def test_lengths_that_are_none(length):
    words = ("accuracy", "--centroid-errors", length, "--output", "out")
    assert "is not a length from 0 to 100 mm" in refusal(*words)


def test_swapped_pair(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[5:15, 5:15, 5:15] = 20
    images = {"labels": labels, "mr": rng.uniform(0, 500, labels.shape).astype(np.float32)}
    images["ct"] = np.where(labels > 0, 500, -1000).astype(np.int16)
    for name, array in images.items():
        sitk.WriteImage(sitk.GetImageFromArray(array), f"{name}.nrrd")
    (tmp_path / "points.json").write_text('{"L1": [10, 10, 10]}')
    pair = (
        "--ct",
        "mr.nrrd",
        "--mr",
        "ct.nrrd",
        "--vertebrae",
        "labels.nrrd",
        "--mr-landmarks",
        "points.json",
    )
    assert "they seem swapped" in refusal("benchmark", "--kinds", *pair, "--output", "out")
    assert not (tmp_path / "out").exists()


def test_unknown_spine(tmp_path):
    assert "choose from 'five lumbar', 'seven of the chest'" in refusal(
        "capture", "--spines", "six", "--output", "out"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_a_table_that_never_ends(tmp_path):
    os.mkfifo(tmp_path / "patients.tsv")
    assert "'patients.tsv' does not exist" in refusal("cohort", "patients.tsv", "--output", "out")


def test_no_patients(tmp_path):
    assert "nothing to register" in refusal("wrong-inputs", "--patients", "0", "--output", "out")
    assert list(tmp_path.iterdir()) == []


def test_another_table(tmp_path):
    (tmp_path / "quality.csv").write_text("name,flag\nL3,good\n")
    words = ("flag-calibration", "--observations", "quality.csv", "--output", "out")
    assert "'quality.csv' is no flag_calibration.csv" in refusal(*words)
    assert not (tmp_path / "out").exists()
