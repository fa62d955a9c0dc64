"""The panel on the stand-ins of Testing/host, and a phantom patient."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from gears import slow_fixture
from host.waiting import temporary_files

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def host():
    """`slicer` with what slicer-core lacks; skipped where Qt or MRML cannot be loaded at all."""
    for module in ("slicer", "PySide6.QtWidgets"):
        try:
            __import__(module)
        except ImportError as error:
            pytest.skip(f"{module} cannot be loaded ({error}): pip install '.[test]', and libEGL on Linux")
    from host import application

    return application.start()


def qt_settings():
    """What the user has chosen for all patients."""
    import qt

    return qt.QSettings()


ORIENTATIONS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}


@pytest.fixture
def scene(host):
    """The scene with three slice views, emptied afterwards."""
    yield host.mrmlScene
    host.mrmlScene.Clear(False)
    for node_class in ("vtkMRMLSliceNode", "vtkMRMLSliceCompositeNode"):
        for node in host.util.getNodesByClass(node_class, host.mrmlScene):
            if node.GetLayoutName().startswith("Spine"):  # views of MR and CT side by side outlive a scene
                host.mrmlScene.RemoveNode(node)
    for node in host.util.getNodesByClass("vtkMRMLSliceNode", host.mrmlScene):
        node.SetOrientation(ORIENTATIONS[node.GetLayoutName()])  # they keep the turn of a vertebra
    qt_settings().clear()


@pytest.fixture
def panel(scene, host, capfd):
    """The module's widget while the Data module was opened before.

    What its slots raised fails the test, and so does an error in the log or a file left behind.
    """
    from host import application, pythonqt
    from host.subject_hierarchy import DataTree

    capfd.readouterr()
    pythonqt.errors.clear()
    tree = DataTree(scene)
    widget = application.make_panel()
    yield widget
    tree.draw()
    tree.close()
    widget.cleanup()
    widget.parent.delete()
    assert pythonqt.errors == []
    assert tree.complaints == []
    log = capfd.readouterr().err  # VTK prints its errors, and what observers raise
    assert "Traceback" not in log
    assert [line for line in log.splitlines() if "ERR|" in line or "ERROR" in line] == []
    assert temporary_files() == []


@pytest.fixture
def volumes(panel, host):
    """A CT and an MR, not yet chosen."""
    voxels = np.zeros((4, 4, 4), np.int16)
    return tuple(host.util.addVolumeFromArray(voxels, name=name) for name in ("CT", "MR"))


@pytest.fixture
def chosen(panel, volumes, scene):
    """CT, MR and a segmentation of three vertebrae, chosen in the panel."""
    from panel.choices import add_segmentation

    segmentation = add_segmentation(scene, "L3", "vertebrae_L4", "L5 vertebra")
    panel.ui.ctSelector.setCurrentNode(volumes[0])
    panel.ui.mrSelector.setCurrentNode(volumes[1])
    panel.ui.vertebraeSelector.setCurrentNode(segmentation)
    return volumes[0], volumes[1], segmentation


@pytest.fixture(scope="session")
@slow_fixture
def sample_folder(tmp_path_factory, host):
    """The files of a small phantom patient, as the sample data has them."""
    from spine_ctmr.phantoms.phantom import PhantomOptions, make_phantom
    from spine_ctmr.phantoms.phantom_files import write_phantom

    options = PhantomOptions(
        levels=(22, 23, 24),
        mr_spacing_mm=(1.5, 2.5),
        ct_spacing_mm=(1.25, 1.5),
        margin_mm=18.0,
        truth_spacing_mm=2.0,
    )
    folder = tmp_path_factory.mktemp("sample")
    write_phantom(make_phantom(41, options), folder)
    return folder


@dataclass(frozen=True)
class BareRun:
    """A registration of the sample patient with the packages of `NEEDED` alone.

    `packages` are those of them that were loaded; `errors` is what it wrote to standard error.
    """

    results: Path
    packages: str
    errors: str


WITH_OTHERS = {"numpy", "SimpleITK", "jinja2"}
"""Modules that come with Slicer or with torch."""


def required_modules() -> set[str]:
    """What every package that `pip install .` brings is imported as."""
    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert listed
    names = re.findall(r'^    "([\w-]+)', listed[1], re.MULTILINE)
    return {{"Pillow": "PIL", "Jinja2": "jinja2"}.get(name, name) for name in names}


@pytest.fixture(scope="session")
@slow_fixture
def bare_run(sample_folder, tmp_path_factory) -> BareRun:
    """The real engine, where every other package that we use somewhere is hidden."""
    from SpineCTMRRegistrationLib.dependencies import NEEDED

    needed = sorted(package.module for package in NEEDED)
    hidden = sorted({*required_modules(), "onnx", "vtk", "hypothesis"} - {*needed, *WITH_OTHERS})
    code = f"""
import importlib.util, sys
hidden = {hidden}
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Hide())
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in hidden else find(name, package)
from pathlib import Path
from spine_ctmr.imaging.read_case import read_case
from spine_ctmr.options import RegistrationOptions
from spine_ctmr.registration import register
from spine_ctmr.results.registration import Registration
files = [Path(sys.argv[1]) / n for n in ("ct.nrrd", "mr.nrrd", "ct_vertebrae.nrrd", "mr_landmarks.json")]
Registration(register(read_case(*files, None), RegistrationOptions(quality="fast"))).save(sys.argv[2])
print(sorted({{m.partition(".")[0] for m in sys.modules}} & set({needed})))
"""
    results = tmp_path_factory.mktemp("bare_run")
    words = [sys.executable, "-c", code, str(sample_folder), str(results)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=180, check=False)
    return BareRun(results, done.stdout.strip(), done.stderr)


@pytest.fixture
def patient(scene, panel, sample_folder):
    """The sample patient in the scene and chosen in the panel; quality fast."""
    from SpineCTMRRegistrationLib.sample_data import load_sample

    nodes = load_sample(scene, sample_folder)
    panel.ui.ctSelector.setCurrentNode(nodes.ct)
    panel.ui.mrSelector.setCurrentNode(nodes.mr)
    panel.ui.vertebraeSelector.setCurrentNode(nodes.vertebrae)
    panel.ui.mrVertebraeSelector.setCurrentNode(nodes.mr_landmarks)
    panel.ui.qualityComboBox.currentText = "Fast"
    return nodes


@pytest.fixture
def engine(panel, patient, bare_run, monkeypatch):
    """The next registration of the patient, which ends when told."""
    from panel.replay import Replay
    from SpineCTMRRegistrationLib import logic as module

    process = Replay(bare_run.results, lambda: panel.session.running)
    monkeypatch.setattr(module, "QtProcess", lambda: process)
    return process


@pytest.fixture
def result(panel, engine):
    """The parameter set of a finished run."""
    from panel.replay import start

    start(panel)
    engine.finish()
    return panel.logic.getParameterNode()
