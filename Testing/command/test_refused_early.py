"""What cannot work is refused before anything is made."""

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
    assert "choose from 'five lumbar', 'eight, bent'" in refusal(
        "capture", "--spines", "six", "--output", "out"
    )
    assert list(tmp_path.iterdir()) == []


def test_another_table(tmp_path):
    (tmp_path / "quality.csv").write_text("name,flag\nL3,good\n")
    words = ("flag-calibration", "--observations", "quality.csv", "--output", "out")
    assert "'quality.csv' is no flag_calibration.csv" in refusal(*words)
    assert not (tmp_path / "out").exists()
