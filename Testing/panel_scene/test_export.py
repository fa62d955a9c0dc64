"""Copies of a result's files: all or none, and never over anything."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
from spine_ctmr.errors import InputError
from SpineCTMRRegistrationLib.export import copy_results


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    (folder / "vertebrae").mkdir(parents=True)
    (folder / "vertebrae" / "L1.tfm").write_text("pose")
    (folder / "report.html").write_text("new")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_and_folders_are_copied(results: Path, target: Path) -> None:
    copy_results(results, ["report.html", "vertebrae"], target, {})
    assert (target / "vertebrae" / "L1.tfm").read_text() == "pose"
    assert names_in(target) == ["report.html", "vertebrae"]
    assert names_in(results) == ["report.html", "vertebrae"]


def test_nothing_is_overwritten(results: Path, target: Path) -> None:
    (target / "report.html").write_text("mine")
    with pytest.raises(InputError, match="exists already; choose another folder"):
        copy_results(results, ["vertebrae", "report.html"], target, {})
    assert names_in(target) == ["report.html"]
    assert (target / "report.html").read_text() == "mine"


def test_a_full_disk_leaves_nothing(results: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(source: Path, copy: Path) -> None:
        copy.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", fill)
    with pytest.raises(InputError, match=r"target' cannot be written to \(No space left on device\); free"):
        copy_results(results, ["vertebrae", "report.html"], target, {})
    assert names_in(target) == []


def test_a_folder_that_is_gone_is_a_sentence(results: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written to"):
        copy_results(results, ["report.html"], tmp_path / "unplugged", {})
