"""The panel on the stand-ins of Testing/host, and a phantom patient."""

from __future__ import annotations

import os

import pytest
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


@pytest.fixture
def scene(host):
    """The scene with three slice views, emptied afterwards."""
    for name in ("Red", "Yellow", "Green"):
        for kind in ("vtkMRMLSliceNode", "vtkMRMLSliceCompositeNode"):
            node = host.mrmlScene.CreateNodeByClass(kind)
            node.UnRegister(None)
            node.SetSingletonTag(name)
            node.SetLayoutName(name)
            host.mrmlScene.AddNode(node)
    yield host.mrmlScene
    host.mrmlScene.Clear(False)


@pytest.fixture
def panel(scene, host, capfd):
    """The module's widget; what its slots raised fails the test, and so does a file left behind."""
    from host import application, pythonqt

    pythonqt.errors.clear()
    widget = application.make_panel()
    yield widget
    widget.cleanup()
    widget.parent.delete()
    assert pythonqt.errors == []
    assert "Traceback" not in capfd.readouterr().err  # VTK prints what observers raise
    assert temporary_files() == []


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory, host):
    """The files of a small phantom patient, as the sample data has them."""
    from SpineCTMRRegistrationLib.training.synthesis.phantom import PhantomOptions, make_phantom
    from SpineCTMRRegistrationLib.training.synthesis.phantom_files import write_phantom

    options = PhantomOptions(
        levels=(22, 23, 24), mr_spacing_mm=(1.5, 2.5), ct_spacing_mm=(1.25, 1.5), margin_mm=18.0
    )
    folder = tmp_path_factory.mktemp("sample")
    write_phantom(make_phantom(41, options), folder)
    return folder


@pytest.fixture
def patient(scene, panel, sample_folder):
    """The sample patient in the scene and chosen in the panel; quality fast."""
    from SpineCTMRRegistrationLib.panel.sample_data import load_sample

    nodes = load_sample(scene, sample_folder)
    panel.ui.ctSelector.setCurrentNode(nodes.ct)
    panel.ui.mrSelector.setCurrentNode(nodes.mr)
    panel.ui.vertebraeSelector.setCurrentNode(nodes.vertebrae)
    panel.ui.mrVertebraeSelector.setCurrentNode(nodes.mr_landmarks)
    panel.ui.qualityComboBox.currentText = "Fast"
    return nodes
