"""What the panel and scripts share: parameter sets, registration runs, the sample patient."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import qt
import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic
from spine_ctmr.process.temporary import remove_abandoned

from . import dependencies, sample_data
from .extensions import MissingExtension, offer
from .parameters import Parameters, has_inputs, parameters_in
from .qt_process import QtProcess
from .run import CommandRun
from .sections.sample import SampleSource, offer_sample
from .session import RegistrationSession
from .side_by_side import register_layout


class SpineCTMRRegistrationLogic(ScriptedLoadableModuleLogic):  # type: ignore[misc]
    """What the panel and scripts share: parameter sets and registration runs."""

    def __init__(self) -> None:
        super().__init__()
        self.isSingletonParameterNode = False

    def getParameterNode(self) -> Parameters:
        return parameters_in(super().getParameterNode())

    @staticmethod
    def make_session() -> RegistrationSession:
        """A session on the present scene whose runs are child processes of Slicer."""
        return RegistrationSession(slicer.mrmlScene, make_run, lambda call: qt.QTimer.singleShot(0, call))

    @classmethod
    def make_sample_source(cls) -> SampleSource:
        """The phantom patient for Sample Data; its files stay in Slicer's temporary folder."""
        folder = Path(slicer.app.temporaryPath) / sample_data.SAMPLE_NAME
        maker = sample_data.SampleMaker(slicer.mrmlScene, folder, make_run)
        maker.loaded.connect(cls.choose_sample)
        return SampleSource(maker, cls.ensure_dependencies)

    @classmethod
    def choose_sample(cls, nodes: sample_data.SampleNodes) -> None:
        """Make the sample patient the inputs, unless images are chosen already."""
        parameters = cls().getParameterNode()
        if not has_inputs(parameters):
            parameters.ct, parameters.mr = nodes.ct, nodes.mr
            parameters.vertebrae, parameters.mrVertebrae = nodes.vertebrae, nodes.mr_landmarks

    @staticmethod
    def ensure_dependencies() -> bool:
        """Install what the engine lacks if the user agrees; True if it can run.

        Raises:
            SpineError: the installation failed.
        """
        ask = slicer.util.confirmOkCancelDisplay
        try:
            return dependencies.ensure(ask, dependencies.SlicerInstaller())
        except MissingExtension as missing:
            offer(missing, ask)
            return False


def make_run() -> CommandRun:
    """A run of the command by Slicer's own interpreter, which is on the path of a running Slicer."""
    python = shutil.which("PythonSlicer") or sys.executable
    return CommandRun(QtProcess(), python, Path(slicer.app.temporaryPath))


def start_up() -> None:
    """Slicer has started: remove images that a dead one has left, and offer layout and phantom patient."""
    remove_abandoned(Path(slicer.app.temporaryPath))
    register_layout(slicer.mrmlScene)
    icon = Path(__file__).parents[1] / "Resources" / "Icons" / "SpineCTMRRegistration.png"
    offer_sample(SpineCTMRRegistrationLogic.make_sample_source(), icon)
