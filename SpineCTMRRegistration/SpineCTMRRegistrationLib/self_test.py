"""The test of the module: drives the panel as a user does, in Slicer and on the stand-ins of Testing/host."""

from __future__ import annotations

import time
from collections.abc import Callable

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
        for test in (self.test_register_says_what_is_missing, self.test_sample_patient_is_registered):
            self.setUp()
            test()

    def test_register_says_what_is_missing(self) -> None:
        assert not self.panel.ui.registerButton.enabled
        assert "Choose the CT." in self.panel.ui.registerButton.toolTip

    def test_sample_patient_is_registered(self) -> None:
        """Load sample, press Register, look at the result."""
        if dependencies.missing_packages():
            self.skipTest("Python packages of the engine are not installed; press Register once to get them.")
        ui, sample = self.panel.ui, self.panel.logic.make_sample_source()
        sample.load()
        self._wait_while(lambda: sample.running)
        ui.qualityComboBox.currentText = "Fast"
        assert ui.registerButton.enabled, ui.registerButton.toolTip
        ui.registerButton.click()
        self._wait_while(lambda: self.panel.session.running)
        assert ui.statusLabel.text == "Registered."
        assert ui.vertebraTable.rowCount == 3
        ui.fusedButton.click()
        self.delayDisplay("The CT lies over the MR.")

    @staticmethod
    def _wait_while(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + LONGEST_S
        while condition() and time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.01)
