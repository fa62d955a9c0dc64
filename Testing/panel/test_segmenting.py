"""Vertebrae from the TotalSegmentator extension, with a stand-in for it; and extensions that are missing."""

from __future__ import annotations

import subprocess
import sys
import types
from importlib.machinery import ModuleSpec

import pytest
from panel.choices import cells, what_is_missing
from panel.replay import node_ids

FOUND = ("vertebrae_L3", "vertebrae_L4", "sacrum", "liver")


@pytest.fixture
def questions(host, monkeypatch):
    """What was asked; the user agrees."""
    asked = []
    monkeypatch.setattr(host.util, "confirmOkCancelDisplay", lambda text, **more: asked.append(text) or True)
    return asked


@pytest.fixture
def extension(monkeypatch):
    """A stand-in for the extension's module; `calls` tells how it was used."""

    class TotalSegmentatorLogic:
        calls: list[tuple] = []  # noqa: RUF012
        found, error = FOUND, None

        def setupPythonRequirements(self, upgrade=False):
            self.calls.append(("requirements",))

        def process(
            self, inputVolume, outputSegmentation, fast=True, cpu=False, task=None, subset=None, **others
        ):
            self.calls.append((inputVolume.GetName(), fast, task))
            more = "while True: print('more', flush=True); time.sleep(0.1)" if self.error == "endless" else ""
            words = [sys.executable, "-c", f"import time\nprint('at work', flush=True)\n{more}"]
            child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
            self.calls.append(child)
            self.logProcessOutput(child)
            if self.error:
                raise RuntimeError(self.error)
            for name in self.found:
                outputSegmentation.GetSegmentation().AddEmptySegment(name, name)

        def logProcessOutput(self, proc, returnOutput=False):
            while line := proc.stdout.readline():
                self.logCallback(line.rstrip())
            proc.wait()

    module = types.ModuleType("TotalSegmentator")
    module.__spec__ = ModuleSpec("TotalSegmentator", None)
    module.TotalSegmentatorLogic = TotalSegmentatorLogic
    monkeypatch.setitem(sys.modules, "TotalSegmentator", module)
    TotalSegmentatorLogic.calls = []
    return TotalSegmentatorLogic


@pytest.fixture
def images(panel, volumes):
    panel.ui.ctSelector.setCurrentNode(volumes[0])
    panel.ui.mrSelector.setCurrentNode(volumes[1])
    return volumes


def test_the_vertebrae_of_the_ct_are_segmented_and_chosen(panel, images, extension, questions, scene):
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "parent")
    images[0].SetAndObserveTransformNodeID(parent.GetID())
    panel.ui.segmentCtButton.click()
    assert extension.calls[:2] == [("requirements",), ("CT", True, "total")]
    for told in ("Apache License", "minutes", "downloaded", "level may be wrong"):
        assert told in questions[0]
    found = panel.ui.vertebraeSelector.currentNode()
    assert found.GetName() == "CT vertebrae"
    assert found.GetParentTransformNode() is parent
    assert cells(panel.ui.segmentTable, 1) == ["L3", "L4", "S1"]  # no organs
    assert what_is_missing(panel) == ""
    assert "at work" in panel.ui.logText.plainText


def test_the_mr_has_a_network_of_its_own(panel, images, extension, questions):
    panel.ui.segmentMrButton.click()
    assert ("MR", False, "vertebrae_mr") in extension.calls
    assert panel.ui.mrVertebraeSelector.currentNode().GetName() == "MR vertebrae"


def test_nothing_is_offered_without_an_image(panel, volumes):
    assert not panel.ui.segmentCtButton.enabled
    panel.ui.ctSelector.setCurrentNode(volumes[0])
    assert panel.ui.segmentCtButton.enabled
    assert not panel.ui.segmentMrButton.enabled


def test_declining_changes_nothing(panel, images, extension, scene, host, monkeypatch):
    before = node_ids(scene)
    monkeypatch.setattr(host.util, "confirmOkCancelDisplay", lambda text, **more: False)
    panel.ui.segmentCtButton.click()
    assert extension.calls == []
    assert node_ids(scene) == before


@pytest.mark.parametrize(
    ("found", "error", "told"),
    [
        ((), "no weights", '"CT" (no weights); try it in its own module'),
        (("liver",), None, 'no vertebra in "CT"'),
    ],
)
def test_a_failure_is_a_sentence_and_leaves_no_node(
    panel, images, extension, questions, scene, host, monkeypatch, found, error, told
):
    said, before = [], node_ids(scene)
    monkeypatch.setattr(host.util, "errorDisplay", lambda text, **more: said.append(text))
    extension.found, extension.error = found, error
    panel.ui.segmentCtButton.click()
    assert told in said[0]
    assert node_ids(scene) == before
    assert panel.ui.vertebraeSelector.currentNode() is None


def test_cancel_ends_the_process(panel, images, extension, questions, scene, host, monkeypatch):
    before, make = node_ids(scene), host.util.createProgressDialog

    def cancelled(**options):
        dialog = make(**options)
        dialog.cancel()
        return dialog

    monkeypatch.setattr(host.util, "createProgressDialog", cancelled)
    extension.error = "endless"
    panel.ui.segmentCtButton.click()
    assert extension.calls[-1].wait(5) != 0
    assert node_ids(scene) == before
    assert "cancelled; nothing was changed" in panel.ui.logText.plainText


@pytest.fixture
def manager(host, monkeypatch):
    """How often the Extensions Manager was opened."""
    opened = []
    monkeypatch.setattr(host.app, "openExtensionsManagerDialog", lambda: opened.append(True), raising=False)
    return opened


def test_a_missing_totalsegmentator_is_offered(panel, images, questions, manager):
    panel.ui.segmentCtButton.click()
    assert 'Search there for "TotalSegmentator"' in questions[0]
    assert manager == [True]


def test_a_missing_pytorch_extension_is_offered(panel, questions, manager, monkeypatch):
    from SpineCTMRRegistrationLib import dependencies

    monkeypatch.setattr(dependencies, "missing_packages", lambda: [dependencies.TORCH])
    assert not panel.logic.ensure_dependencies()
    assert "The extension PyTorch is missing" in questions[1]
    assert manager == [True]


def test_a_slicer_without_extensions_manager_says_what_is_missing(panel, images, host, monkeypatch):
    said = []
    monkeypatch.setattr(host.util, "warningDisplay", lambda text, **more: said.append(text))
    panel.ui.segmentCtButton.click()
    assert "The extension TotalSegmentator is missing" in said[0]
