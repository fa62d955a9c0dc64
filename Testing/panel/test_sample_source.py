"""The sample patient by a click in Sample Data: the window lives, and stopping leaves nothing."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from host.waiting import children, temporary_files, wait
from SpineCTMRRegistrationLib import dependencies
from SpineCTMRRegistrationLib.sample_data import SAMPLE_NAME

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="looks at processes in /proc"),
    pytest.mark.slow,
]


@pytest.fixture
def sample(panel, host):
    """The phantom as the module registers it at startup."""
    import SampleData

    SampleData.SampleDataLogic.sources.clear()
    for slot in host.app.slots["startupCompleted()"]:
        slot()
    source = SampleData.SampleDataLogic.sources["Spine"][-1]
    assert Path(source["thumbnailFileName"]).is_file()
    yield source["customDownloader"].__self__
    shutil.rmtree(Path(host.app.temporaryPath) / SAMPLE_NAME, ignore_errors=True)


@pytest.fixture
def making(sample, scene):
    """The real engine makes the patient; `started` are its processes."""
    before = children()
    assert sample.load() == []
    assert sample.running
    wait(lambda: len(children() - before) >= 2)
    return children() - before


def dialogs() -> list:
    from PySide6.QtWidgets import QApplication, QProgressDialog

    return [w for w in QApplication.topLevelWidgets() if isinstance(w, QProgressDialog) and w.isVisible()]


def left(started: set[int]) -> set[int]:
    end = time.monotonic() + 10
    while started & children() and time.monotonic() < end:
        time.sleep(0.05)
    return started & children()


def test_the_window_is_usable_while_the_patient_is_made_and_cancel_leaves_nothing(
    sample, making, panel, scene
):
    (dialog,) = dialogs()
    assert not dialog.isModal()
    wait(lambda: dialog.value() > 0)
    panel.ui.qualityComboBox.currentText = "Best"
    assert panel.ui.qualityComboBox.currentText == "Best"
    assert sample.load() == []  # a second click
    assert dialogs() == [dialog]
    nodes = scene.GetNumberOfNodes()
    dialog.canceled.emit()
    wait(lambda: not sample.running)
    assert dialogs() == []
    assert scene.GetNumberOfNodes() == nodes
    assert temporary_files() == []
    assert left(making) == set()


@pytest.mark.parametrize("way", ["scene", "Slicer"])
def test_closing_stops_it(sample, making, scene, host, way):
    if way == "scene":
        scene.Clear(False)
    else:
        for slot in host.app.slots["aboutToQuit()"]:
            slot()
    assert not sample.running
    assert dialogs() == []
    assert temporary_files() == []
    assert left(making) == set()


def sample_loaded(sample, sample_folder, host) -> list:
    shutil.copytree(sample_folder, Path(host.app.temporaryPath) / SAMPLE_NAME)
    return sample.load()


def test_a_patient_that_was_made_before_is_there_at_once(sample, sample_folder, scene, host):
    assert [node.GetName() for node in sample_loaded(sample, sample_folder, host)] == [
        *("Phantom CT", "Phantom MR", "Phantom vertebrae", "Phantom MR body centres"),
    ]
    assert dialogs() == []
    composites = host.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)
    assert {c.GetBackgroundVolumeID() for c in composites} == {sample.nodes[0].GetID()}


def test_the_sample_is_chosen_in_a_panel_without_inputs_only(panel, sample, sample_folder, scene, host):
    ui, (ct, mr, vertebrae, points) = panel.ui, sample_loaded(sample, sample_folder, host)
    assert ui.registerButton.enabled, ui.registerButton.toolTip
    assert (ui.ctSelector.currentNode(), ui.mrSelector.currentNode()) == (ct, mr)
    assert (ui.vertebraeSelector.currentNode(), ui.mrVertebraeSelector.currentNode()) == (vertebrae, points)
    assert sample.load()[0] is not ct
    assert ui.ctSelector.currentNode() is ct


def test_the_sample_that_came_before_the_panel_was_opened_is_chosen(panel, sample, sample_folder, host):
    from host.application import enter, leave

    leave(panel)
    nodes = sample_loaded(sample, sample_folder, host)
    enter(panel)
    assert panel.ui.ctSelector.currentNode() is nodes[0]
    assert panel.ui.registerButton.enabled


def test_what_goes_wrong_is_told(sample, host, monkeypatch, scene):
    told = []
    monkeypatch.setattr(host.util, "errorDisplay", lambda text, **options: told.append(text))
    monkeypatch.setattr(dependencies, "missing_packages", lambda: [dependencies.TORCH])
    monkeypatch.setattr(host.util, "confirmOkCancelDisplay", lambda text: False)
    assert sample.load() == []
    assert told == []
    monkeypatch.setattr(host.util, "confirmOkCancelDisplay", lambda text: True)
    assert sample.load() == []
    assert "extension PyTorch is missing" in told.pop()
    monkeypatch.setattr(dependencies, "missing_packages", lambda: [])
    monkeypatch.setattr(host.app, "temporaryPath", "/nowhere/at/all")
    assert sample.load() == []
    assert "The temporary folder '/nowhere/at/all' cannot be written to" in told.pop()
    assert not sample.running


def test_one_that_was_closed_is_told_nothing_more(panel, scene, host, monkeypatch):
    """The self-test makes its own."""
    from SpineCTMRRegistrationLib.sections.sample import SampleSource

    told, connected = [], len(host.app.slots["aboutToQuit()"])
    monkeypatch.setattr(SampleSource, "_stop", lambda *_: told.append("stop"))
    source = panel.logic.make_sample_source()
    scene.Clear(False)
    source.close()
    assert told == ["stop", "stop"]
    scene.Clear(False)
    assert told == ["stop", "stop"]
    assert len(host.app.slots["aboutToQuit()"]) == connected
