"""The command `spine-ctmr train`, and two patients of blocks whose MR is shifted by a known amount."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from gears import slow_fixture
from run_here import run_here

TINY = """
name = "tiny"
spacing_mm = 4.0
crop = [16, 16, 16]
batch = 2
steps = {steps}
rigidity_from = 0.5
validation_interval = 4
checkpoint_interval = 3
[data]
pairs = 4
held_out = 2
margin = 4
[network]
encoder = [4, 4, 4, 4, 4]
decoder = [4, 4, 4]
head = [4]
[loss]
{loss}
"""
LUMBAR = {22: 102, 23: 66, 24: 30}
"""Vertebra numbers and heights of the blocks' centres in mm."""
SHIFT_MM = (14.0, -9.0, 21.0)


def train_command(*words: str | Path) -> list[str]:
    """The words of the command line after the program's name."""
    return ["train", *map(str, words), "--threads", "1"]


def train_here(*words: str | Path, progress: str = "none") -> None:
    """Train in this process, without the overseer that starts another one."""
    run_here(*train_command(*words), "--device", "cpu", "--progress", progress)


def write_recipe(folder: Path, steps: int = 10, loss: str = "displacement = 1.0\nsmoothness = 0.1") -> Path:
    path = folder / "tiny.toml"
    path.write_text(TINY.format(steps=steps, loss=loss))
    return path


@pytest.fixture(scope="session")
@slow_fixture
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank with the tiny recipe's synthetic patients."""
    folder = tmp_path_factory.mktemp("bank")
    train_here(write_recipe(folder, 1), "--output", folder / "run", "--bank", folder)
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of two patients; the first has labels of the MR."""
    for k, name in enumerate(("first", "second")):
        folder = tmp_path / "own" / name
        folder.mkdir(parents=True)
        for stem, image in _images(k).items():
            sitk.WriteImage(image, str(folder / f"{stem}.nii.gz"))
        centers = {
            f"L{n - 19}": [x + s for x, s in zip((40, 40, z), SHIFT_MM, strict=True)]
            for n, z in LUMBAR.items()
        }
        (folder / "mr_landmarks.json").write_text(json.dumps(centers))
    (tmp_path / "own" / "second" / "mr_labels.nii.gz").unlink()
    return tmp_path / "own"


def _images(seed: int) -> dict[str, sitk.Image]:
    """CT and MR of 2 mm voxels; the MR shows the same blocks shifted by `SHIFT_MM`."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((66, 40, 40), np.uint8)
    for number, z in LUMBAR.items():
        labels[z // 2 - 6 : z // 2 + 7, 12:29, 10:31] = number
    texture = rng.normal(0, 20, labels.shape)
    images = {
        "ct": np.where(labels > 0, 400, 0) + texture,
        "mr": np.where(labels > 0, 300, 120) - texture,
        "ct_labels": labels,
        "mr_labels": labels,
    }
    made = {}
    for stem, array in images.items():
        image = sitk.GetImageFromArray(array if "labels" in stem else array.astype(np.int16))
        image.SetSpacing((2.0, 2.0, 2.0))
        image.SetOrigin(SHIFT_MM if stem.startswith("mr") else (0.0, 0.0, 0.0))
        made[stem] = image
    return made
