"""Full disks, missing folders, an engine that dies: one clear sentence each, and nothing left behind."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

import pytest
from host.waiting import temporary_files
from panel.replay import node_ids, said, start


def test_a_temporary_folder_that_cannot_be_written_to(panel, engine, scene, host, monkeypatch):
    before = node_ids(scene)
    monkeypatch.setattr(host.app, "temporaryPath", "/nowhere/at/all")
    panel.session = panel.logic.make_session()
    panel.ui.registerButton.click()
    assert "The temporary folder '/nowhere/at/all' cannot be written to" in panel.ui.statusLabel.text
    assert "choose another one" in said(panel)
    assert node_ids(scene) == before


def test_a_disk_that_is_full_when_the_inputs_are_written(panel, engine, scene, host, capfd):
    import resource

    before, limits = node_ids(scene), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        panel.ui.registerButton.click()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "Phantom CT" in said(panel)
    assert "disk is not full" in said(panel)
    assert "Failed to write" in capfd.readouterr().err  # Slicer's own log tells of it too
    assert node_ids(scene) == before
    assert temporary_files() == []


def test_a_disk_that_is_full_when_the_results_are_loaded(panel, engine, scene, monkeypatch):
    import tempfile

    before = node_ids(scene)
    start(panel)

    def fill(**options: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", fill)
    engine.finish()
    assert "No space left on device" in said(panel)
    assert "free memory and disk space" in said(panel)
    assert node_ids(scene) == before
    assert temporary_files() == []


def test_an_error_that_nobody_expected_is_a_sentence_with_details_in_the_log(
    panel, engine, scene, monkeypatch
):
    from SpineCTMRRegistrationLib import result_loader

    def fail(*arguments: object) -> None:
        raise RuntimeError("no place")

    monkeypatch.setattr(result_loader, "place_results", fail)
    before = node_ids(scene)
    start(panel)
    engine.finish()
    assert "RuntimeError: no place" in said(panel)
    assert "in fail" in panel.ui.logText.plainText
    left = {scene.GetNodeByID(node).GetClassName() for node in node_ids(scene) - before}
    assert left <= {"vtkMRMLColorTableNode"}  # the heatmap's colours, one per scene
    assert temporary_files() == []


def test_images_of_a_slicer_that_died_are_removed_at_the_next_start(panel, engine, host):
    start(panel)
    (alive,) = temporary_files()
    dead = Path(host.app.temporaryPath) / "spine-ctmr-dead"
    dead.mkdir()
    (dead / ".owner").touch()
    (dead / "ct.nrrd").touch()
    for slot in host.app.slots["startupCompleted()"]:
        slot()
    assert temporary_files() == [alive]
    panel.ui.cancelButton.click()


@pytest.mark.parametrize("code", [-1, -9, 1, 99])
def test_an_engine_that_ends_without_a_word(panel, engine, scene, code):
    before = node_ids(scene)
    start(panel)
    engine.finish(code)
    assert "stopped unexpectedly" in said(panel) or "lack of memory; close other programs" in said(panel)
    assert node_ids(scene) == before
    assert temporary_files() == []


@pytest.mark.parametrize(
    ("returned", "advice"), [(-9, "choose quality Fast, or close other programs"), (-11, "choose device CPU")]
)
def test_a_worker_that_was_killed_is_told_in_the_words_of_the_panel(panel, engine, returned, advice):
    from spine_ctmr.command.register import SUBCOMMAND
    from spine_ctmr.process.explanation import unsaid_ending
    from spine_ctmr.process.supervision import WorkerEnding

    error = unsaid_ending(WorkerEnding(None, returned, None, None), SUBCOMMAND.noun, SUBCOMMAND.memory_advice)
    start(panel)
    engine.tell(error=str(error))
    engine.finish(1)
    assert advice in said(panel)
    assert "--" not in said(panel) + panel.ui.logText.plainText
    assert "SPINE_CTMR" not in said(panel)


def test_every_option_that_the_engine_speaks_of_has_words_in_the_panel():
    from SpineCTMRRegistrationLib.panel_words import in_panel_words

    engine = Path(__file__).resolve().parents[2] / "SpineCTMRRegistration" / "spine_ctmr"
    files = [*(engine / "process").glob("explanation.py"), *(engine / "imaging").glob("*.py")]
    options = {option for file in files for option in re.findall(r"--[a-z-]+ ?[a-z0-9]*", file.read_text())}
    left = {option for option in options if "--" in in_panel_words(f"use {option} or try {option}")}
    assert len(options) > 4
    assert left <= {"--ct-series", "--mr-series"}  # the panel's images are one series each


def test_files_that_were_deleted_before_the_export(panel, engine, host, monkeypatch, tmp_path):
    import qt

    start(panel)
    engine.finish()
    warnings = []
    monkeypatch.setattr(host.util, "warningDisplay", lambda text, **options: warnings.append(text))
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path), raising=False)
    for name in temporary_files():
        shutil.rmtree(Path(host.app.temporaryPath) / name)
    panel.ui.exportReportButton.click()
    assert warnings == ["The files of this result were deleted meanwhile; register again."]
    assert list(tmp_path.iterdir()) == []
