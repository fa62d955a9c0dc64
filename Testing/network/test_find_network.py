"""A network is found by its file, its folder, its training, or the name of one of these."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.network.bundle import bundled_network_directory
from spine_ctmr.network.find_network import FOLDERS, find_network
from spine_ctmr.network.runtime import load_network
from spine_ctmr.network.torch_network import DisplacementNetwork

from .conftest import lively_network


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training_folder: Path) -> Path:
    """A folder of two trainings and a network file, as the environment names it; nothing lies here."""
    for name in ("one", "two"):
        shutil.copytree(training_folder, tmp_path / "runs" / name)
    (tmp_path / "runs" / "file.json").touch()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv(FOLDERS, f"{tmp_path / 'nowhere'}:{tmp_path / 'runs'}")
    return tmp_path / "runs"


def test_file_and_folder(network_folder: Path) -> None:
    card = network_folder / "lively.json"
    for given in (network_folder, card.with_suffix(".onnx"), card.with_suffix(".safetensors"), card):
        assert find_network(given) == card


def test_training_and_names(trained: Path) -> None:
    best = trained / "one" / "best.pt"
    for given in (trained / "one", best, Path("one")):
        assert find_network(given) == best
    assert find_network(Path("file")) == trained / "file.json"
    assert find_network(Path("matching_2mm")).parent == bundled_network_directory()


def test_what_lies_here_comes_before_names(trained: Path) -> None:
    shutil.copytree(trained / "two", "one")
    assert find_network(Path("one")) == Path("one/best.pt")


def test_what_is_not_there_is_told(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match=r"'three' is neither .*; choose one of file, matching_2mm, one, two"
    ):
        find_network(Path("three"))
    with pytest.raises(InputError, match="network file 'a/three' does not exist; check the path"):
        find_network(Path("a/three"))
    (trained / "file.json").unlink()
    with pytest.raises(InputError, match=r"several trainings; choose one, such as '.*one'"):
        find_network(trained)
    with pytest.raises(InputError, match="holds no network"):
        find_network(Path())
    monkeypatch.delenv(FOLDERS)
    with pytest.raises(InputError, match="choose one of matching_2mm, or give its path"):
        find_network(Path("one"))


def test_folder_of_several_files(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="several networks"):
        find_network(tmp_path)


def test_training_gives_the_displacement_of_its_weights(training_folder: Path) -> None:
    network = load_network(training_folder, "cpu")
    assert isinstance(network, DisplacementNetwork)
    assert (network.card.name, network.card.spacing_mm) == ("lively", 2.0)
    assert network.card.training["steps"] == 7
    images = torch.rand(1, 2, 16, 32, 16, generator=torch.Generator().manual_seed(1))
    model = lively_network()
    with torch.inference_mode():
        expected = model.motion(model(images), 2.0).displacement[0].numpy()
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(network.displacement(images[0].numpy()), expected, atol=1e-5)


def test_damaged_training_is_told(training_folder: Path, tmp_path: Path) -> None:
    content = (training_folder / "best.pt").read_bytes()
    (tmp_path / "best.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"best\.pt.*damaged; train again"):
        load_network(tmp_path, "cpu")


def test_a_training_that_was_never_validated_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text("{}")
    (tmp_path / "last.pt").touch()
    with pytest.raises(InputError, match=r"not validated yet; let it go on until best\.pt is there"):
        find_network(tmp_path)
