"""A whole run by clicks: the real engine in a real child process on a small phantom."""

from __future__ import annotations

import os
import shutil
import signal
import time
import unittest
from pathlib import Path

import numpy as np
import pytest
from host.waiting import children, temporary_files, wait


def node_names(scene) -> list[str]:
    return sorted(scene.GetNthNode(i).GetName() for i in range(scene.GetNumberOfNodes()))


def register(panel) -> None:
    assert panel.ui.registerButton.enabled, panel.ui.registerButton.toolTip
    panel.ui.registerButton.click()
    assert panel.session.running
    assert not panel.ui.registerButton.enabled
    assert panel.ui.cancelButton.enabled


def finish(panel) -> None:
    wait(lambda: not panel.session.running)


def wait_for_stage(panel) -> None:
    """Until the engine, in its worker process, has said something."""
    wait(lambda: panel.ui.progressBar.value > 0 or not panel.session.running)
    assert panel.session.running, panel.ui.statusLabel.text


def test_three_clicks_to_a_result(panel, patient, scene, host, monkeypatch, tmp_path):
    """Select the patient, press Register: progress, a live window, and results that move the bones right."""
    import qt

    stages, ticks = [], []
    timer = qt.QTimer()
    timer.timeout.connect(lambda: ticks.append(time.process_time()))
    timer.start(20)
    panel.session.progressed.connect(lambda report: stages.append((report.stage, report.fraction)))
    before = {
        patient.ct: patient.ct.GetImageData().GetMTime(),
        patient.mr: patient.mr.GetImageData().GetMTime(),
    }

    register(panel)
    assert panel.ui.progressBar.visible
    wait_for_stage(panel)
    assert "left" in panel.ui.statusLabel.text
    finish(panel)
    timer.stop()

    assert panel.ui.statusLabel.text == "Registered."
    assert not panel.ui.progressBar.visible
    assert len({stage for stage, _ in stages}) >= 4
    assert [f for _, f in stages] == sorted(f for _, f in stages)
    assert len(ticks) > 100  # the window does not wait for the engine
    assert max(np.diff(ticks)) < 3.0  # nor works long by itself, in seconds of this process
    parameters = panel.logic.getParameterNode()
    for name in ("transform", "ctInMr", "mrInCt", "vertebraeInMr", "jacobian", "table"):
        assert getattr(parameters, name) is not None, name
    assert {node: node.GetImageData().GetMTime() for node in before} == before
    check_bones_move_to_the_landmarks(parameters, patient)
    check_result_section(panel)
    check_view_buttons(panel, patient, scene, host)
    check_export(panel, monkeypatch, tmp_path)
    assert len(temporary_files()) == 1  # the results, kept for export
    scene.Clear(False)
    assert temporary_files() == []


def test_the_self_test_that_runs_inside_slicer(panel, sample_folder, scene, host):
    """The test class of the module's file, with the small patient where the sample's files stay."""
    from SpineCTMRRegistrationLib.sample_data import SAMPLE_NAME

    import SpineCTMRRegistration as module

    made_before = shutil.copytree(sample_folder, Path(host.app.temporaryPath) / SAMPLE_NAME)
    outcome = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(module.SpineCTMRRegistrationTest).run(outcome)
    assert outcome.testsRun == 2
    assert outcome.failures + outcome.errors + outcome.skipped == []
    scene.Clear(False)
    shutil.rmtree(made_before)


def check_bones_move_to_the_landmarks(parameters, patient) -> None:
    """The body centres of the CT, moved by the transform node, lie at the phantom's true MR centres."""
    import slicer
    from SpineCTMRRegistrationLib.result_nodes import results_of

    poses = results_of(parameters.table).vertebra_transforms
    points = patient.mr_landmarks
    for i in range(points.GetNumberOfControlPoints()):
        true = np.array(points.GetNthControlPointPositionWorld(i))
        pose = poses[points.GetNthControlPointLabel(i)]
        matrix = slicer.util.arrayFromTransformMatrix(pose)
        in_ct = np.linalg.inv(matrix) @ [*true, 1.0]
        moved = parameters.transform.GetTransformToParent().TransformPoint(*in_ct[:3])
        assert np.linalg.norm(np.array(moved) - true) < 0.1


def check_result_section(panel) -> None:
    table = panel.ui.vertebraTable
    assert not panel.ui.resultSection.collapsed
    assert table.rowCount == 3
    colors = {table.item(row, 1).background().color().name() for row in range(3)}
    flags = {table.item(row, 1).text() for row in range(3)}
    assert flags <= {"good", "check", "do not use"}
    assert len(colors) == len(flags)
    assert all(table.item(row, 5).text() for row in range(3))
    assert panel.ui.verdictLabel.visible


def check_export(panel, monkeypatch, folder) -> None:
    import qt

    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(folder), raising=False)
    panel.ui.exportTransformsButton.click()
    panel.ui.exportReportButton.click()
    written = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert written == [
        *("ct_to_mr.h5", "mr_to_ct.h5", "report.html"),
        *("vertebrae/L3.tfm", "vertebrae/L4.tfm", "vertebrae/L5.tfm"),
        *(f"vertebrae_for_slicer/{name} to MR.tfm" for name in ("L3", "L4", "L5")),
    ]


def check_view_buttons(panel, patient, scene, host) -> None:
    ui, parameters = panel.ui, panel.logic.getParameterNode()
    composites = host.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)
    ui.fusedButton.click()
    assert {c.GetBackgroundVolumeID() for c in composites} == {patient.mr.GetID()}
    (fused,) = {c.GetForegroundVolumeID() for c in composites}
    assert scene.GetNodeByID(fused).GetParentTransformNode() is parameters.transform
    ui.opacitySlider.value = 0.25
    assert {c.GetForegroundOpacity() for c in composites} == {0.25}
    ui.beforeButton.click()
    (before,) = {c.GetForegroundVolumeID() for c in composites}
    assert scene.GetNodeByID(before).GetParentTransformNode() is None
    ui.beforeButton.click()
    assert {c.GetForegroundVolumeID() for c in composites} == {fused}
    ui.heatmapButton.click()
    assert {c.GetForegroundVolumeID() for c in composites} == {parameters.jacobian.GetID()}
    assert ui.contoursButton.checked
    assert parameters.vertebraeInMr.GetDisplayNode().GetVisibility2DOutline()
    assert not patient.vertebrae.GetDisplayNode().GetVisibility2D()
    ui.gridButton.click()
    (grid,) = [
        node
        for node in host.util.getNodesByClass("vtkMRMLTransformDisplayNode", scene)
        if node.GetVisibility2D() and node.GetVisibility()
    ]
    assert grid.GetDisplayableNode().GetParentTransformNode() is parameters.transform
    slices = host.util.getNodesByClass("vtkMRMLSliceNode", scene)
    ui.vertebraTable.cellClicked.emit(1, 0)
    centers = [[s.GetSliceToRAS().GetElement(r, 3) for r in range(3)] for s in slices]
    true = np.array(patient.mr_landmarks.GetNthControlPointPositionWorld(1))
    assert np.linalg.norm(np.array(centers) - true, axis=1).max() < 15
    ui.straightButton.click()


@pytest.mark.skipif(os.name != "posix", reason="looks at processes in /proc")
class TestStopping:
    """However a run is stopped, no process, node or file of it is left."""

    @pytest.fixture(autouse=True)
    def running(self, panel, patient, scene):
        self.names, self.before = node_names(scene), children()
        register(panel)
        wait_for_stage(panel)
        self.started = children() - self.before
        assert len(self.started) >= 2  # the command and its worker

    def left(self) -> set[int]:
        end = time.monotonic() + 5
        while self.started & children() and time.monotonic() < end:
            time.sleep(0.05)
        return self.started & children()

    def test_cancel(self, panel, scene, host):
        panel.ui.cancelButton.click()
        assert not panel.ui.cancelButton.enabled
        finish(panel)
        assert panel.ui.statusLabel.text.startswith("Cancelled")
        assert panel.ui.registerButton.enabled
        assert node_names(scene) == self.names
        assert temporary_files() == []
        assert self.left() == set()

    def test_closing_the_scene(self, panel, scene, host):
        scene.Clear(False)
        assert temporary_files() == []
        assert self.left() == set()
        assert not panel.session.running
        assert panel.ui.ctSelector.currentNode() is None
        assert not panel.ui.registerButton.enabled

    def test_closing_the_module(self, panel, scene, host):
        panel.cleanup()
        assert temporary_files() == []
        assert self.left() == set()
        assert not panel.session.running

    @pytest.mark.parametrize("which", [min, max], ids=["command", "worker"])
    def test_a_killed_engine_is_a_sentence(self, panel, scene, host, which):
        """As the kernel does when memory is short."""
        os.kill(which(self.started), signal.SIGKILL)
        finish(panel)
        assert "memory" in panel.ui.statusLabel.text
        assert "close other programs" in panel.ui.statusLabel.text
        assert node_names(scene) == self.names
        assert temporary_files() == []
        assert self.left() == set()


def test_an_unusable_input_is_a_sentence_with_the_users_name_for_it(panel, patient, scene, host):
    patient.mr.SetName("Anna's MR")
    array = host.util.arrayFromVolume(patient.mr)
    array[:] = 7
    host.util.arrayFromVolumeModified(patient.mr)
    register(panel)
    finish(panel)
    assert "Anna's MR" in panel.ui.statusLabel.text
    assert "mr.nrrd" not in panel.ui.statusLabel.text
    assert panel.ui.registerButton.enabled
    assert panel.logic.getParameterNode().table is None
