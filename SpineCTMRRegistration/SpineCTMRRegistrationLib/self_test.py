"""The test of the module: drives the panel as a user does, in Slicer and on the stand-ins of Testing/host."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from . import dependencies

LONGEST_S = 600


class SpineCTMRRegistrationTest(ScriptedLoadableModuleTest):  # type: ignore[misc]
    """Two tests, each in an empty scene."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()
        self.panel = slicer.modules.spinectmrregistration.widgetRepresentation().self()
        self.panel.enter()

    def runTest(self) -> None:
        for test in (self.test_register_says_what_is_missing, self.test_a_patient_from_sample_to_third_run):
            self.setUp()
            test()

    def test_register_says_what_is_missing(self) -> None:
        assert not self.panel.ui.registerButton.enabled
        assert "Choose the CT." in self.panel.ui.registerButton.toolTip

    def test_a_patient_from_sample_to_third_run(self) -> None:
        """What a user does with one patient, from the sample data to a result that was made anew."""
        if dependencies.missing_packages():
            self.skipTest("Python packages of the engine are not installed; press Register once to get them.")
        self._load_sample()
        self._register(vertebrae=3)
        self._press_every_view_button()
        self._place_points()
        self._save_clear_and_load()
        self._register_fewer_vertebrae()
        self._register_again_without_an_output()

    def _load_sample(self) -> None:
        sample = self.panel.logic.make_sample_source()
        sample.load()
        self._wait_while(lambda: sample.running)
        sample.close()
        self.panel.ui.qualityComboBox.currentText = "Fast"

    def _register(self, vertebrae: int) -> None:
        ui = self.panel.ui
        assert ui.registerButton.enabled, ui.registerButton.toolTip
        ui.registerButton.click()
        self._wait_while(lambda: self.panel.session.running)
        assert ui.statusLabel.text == "Registered.", ui.statusLabel.text
        assert ui.vertebraTable.rowCount == vertebrae
        moved = self._parameters.vertebraeInMr.GetSegmentation()
        assert moved.GetNumberOfSegments() == vertebrae

    def _press_every_view_button(self) -> None:
        """Every button, on and off where it stays pressed, every way to fuse, and every row."""
        ui = self.panel.ui
        for button in (ui.fusedButton, ui.blinkButton, ui.heatmapButton):
            assert button.enabled, button.toolTip
            button.click()
        for button in (ui.contoursButton, ui.beforeButton, ui.gridButton, ui.modelsButton):
            for checked in (not button.checked, button.checked):
                button.click()
                assert button.checked == checked, button.text
        for way in range(ui.fusionComboBox.count):
            ui.fusionComboBox.currentIndex = way
            ui.fusedButton.click()
        ui.fusionComboBox.currentIndex = 0
        for row in range(ui.vertebraTable.rowCount):
            ui.vertebraTable.selectRow(row)
            ui.vertebraTable.cellClicked.emit(row, 0)
        ui.straightButton.click()
        self.delayDisplay("The result was looked at in every way.")

    def _place_points(self) -> None:
        """The centres that the sample has, placed one after the other in a new list."""
        ui, given = self.panel.ui, self._parameters.mrVertebrae
        ui.mrVertebraeSelector.setCurrentNode(None)
        ui.placeButton.click()
        points = self._parameters.mrVertebrae
        assert points is not given
        for index in range(given.GetNumberOfControlPoints()):
            level = given.GetNthControlPointLabel(index)
            assert f"Next: {level}" in ui.placingLabel.text, ui.placingLabel.text
            points.SetNthControlPointPositionWorld(index, *given.GetNthControlPointPositionWorld(index))
        assert not ui.placeButton.checked
        assert ui.registerButton.enabled, ui.registerButton.toolTip

    def _save_clear_and_load(self) -> None:
        scene, ui = slicer.mrmlScene, self.panel.ui
        with tempfile.TemporaryDirectory() as folder:
            file = str(Path(folder) / "scene.mrb")
            assert scene.WriteToMRB(file)
            scene.Clear(False)
            assert "Choose the CT." in ui.registerButton.toolTip
            assert scene.ReadFromMRB(file)
        assert ui.ctSelector.currentNode() is not None
        assert ui.vertebraTable.rowCount == 3
        assert ui.registerButton.enabled, ui.registerButton.toolTip

    def _register_fewer_vertebrae(self) -> None:
        """The uppermost is none any more; nothing of it is left in the result."""
        segmentation = self._parameters.vertebrae.GetSegmentation()
        segmentation.GetNthSegment(0).SetName("no vertebra")
        self._register(vertebrae=2)

    def _register_again_without_an_output(self) -> None:
        """A deleted output is made anew; the others are updated."""
        before = self._parameters.transform
        slicer.mrmlScene.RemoveNode(self._parameters.ctInMr)
        assert self._parameters.ctInMr is None
        self._register(vertebrae=2)
        assert self._parameters.ctInMr is not None
        assert self._parameters.transform is before

    @property
    def _parameters(self) -> Any:
        return self.panel.logic.getParameterNode()

    @staticmethod
    def _wait_while(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + LONGEST_S
        while condition() and time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.01)
