"""What the buttons of the result show, and when they look pressed; the engine is replayed."""

from __future__ import annotations

import numpy as np
import pytest
from panel.choices import hint
from panel.replay import start


@pytest.fixture
def result(panel, engine):
    """The parameter set of a finished run."""
    start(panel)
    engine.finish()
    return panel.logic.getParameterNode()


@pytest.fixture
def composites(scene, host):
    return host.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)


def choose_same_images(panel, patient) -> None:
    panel.ui.parameterSetSelector.addNode()
    panel.ui.ctSelector.setCurrentNode(patient.ct)
    panel.ui.mrSelector.setCurrentNode(patient.mr)
    panel.ui.vertebraeSelector.setCurrentNode(patient.vertebrae)


def test_buttons_look_pressed_for_the_result_that_is_seen(panel, engine, result, patient, scene):
    ui = panel.ui
    buttons = ui.contoursButton, ui.gridButton, ui.beforeButton
    for button in buttons:
        button.click()
    assert [button.checked for button in buttons] == [True] * 3
    first = ui.tableSelector.currentNode()
    choose_same_images(panel, patient)
    start(panel)
    engine.finish()
    assert ui.tableSelector.currentNode() is not first
    assert [button.checked for button in buttons] == [False] * 3
    ui.contoursButton.click()
    assert not result.vertebraeInMr.GetDisplayVisibility()  # never the outlines of two results at once
    ui.tableSelector.setCurrentNode(first)
    assert [button.checked for button in buttons] == [False, True, True]
    ui.fusedButton.click()
    assert [button.checked for button in buttons] == [False, True, False]


def test_the_slider_changes_only_views_of_the_mr(panel, result, patient, composites):
    panel.ui.fusedButton.click()
    panel.ui.opacitySlider.value = 0.3
    assert {c.GetForegroundOpacity() for c in composites} == {0.3}
    panel.ui.heatmapButton.click()
    assert {c.GetForegroundOpacity() for c in composites} == {0.3}
    composites[0].SetBackgroundVolumeID(patient.ct.GetID())
    panel.ui.opacitySlider.value = 0.8
    assert [c.GetForegroundOpacity() for c in composites] == [0.3, 0.8, 0.8]


@pytest.mark.parametrize("name", ["fused", "contours", "before", "heatmap", "grid"])
def test_a_view_that_shows_nothing_of_the_mr_is_moved_there(panel, result, patient, scene, host, name):
    away, there = host.util.getNodesByClass("vtkMRMLSliceNode", scene)[:2]
    center = np.array(patient.mr_landmarks.GetNthControlPointPositionWorld(1))
    away.JumpSliceByCentering(900.0, 0.0, 0.0)
    there.JumpSliceByCentering(*(center + 4.0))

    def place(node) -> np.ndarray:
        return host.util.arrayFromVTKMatrix(node.GetSliceToRAS())

    before = place(there)
    getattr(panel.ui, f"{name}Button").click()
    assert np.linalg.norm(place(away)[:3, 3] - center) < 5
    assert np.allclose(place(there), before)


def test_other_choices_leave_the_selected_row(panel, result):
    panel.ui.vertebraTable.selectRow(1)
    panel.ui.opacitySlider.value = 0.7
    panel.ui.seedSpinBox.value = 5
    assert panel.ui.vertebraTable.currentRow() == 1


def test_a_button_says_what_it_lacks(panel, engine, result, patient, scene):
    ui = panel.ui
    ui.wantJacobianCheckBox.checked = False
    start(panel)
    engine.finish()
    assert not ui.heatmapButton.enabled
    assert hint(ui.heatmapButton) == "This result has no heatmap; tick it under Outputs and register again."
    assert ui.beforeButton.enabled
    scene.RemoveNode(patient.ct)
    ui.seedSpinBox.value = 5
    assert not ui.beforeButton.enabled
    assert "CT of this result is not in the scene" in ui.beforeButton.toolTip
    assert ui.fusedButton.enabled


def test_looking_goes_on_when_the_mr_is_deleted(panel, result, patient, scene):
    scene.RemoveNode(patient.mr)
    panel.ui.contoursButton.click()
    assert result.vertebraeInMr.GetDisplayVisibility()
    panel.ui.opacitySlider.value = 0.1


def test_exports_say_why_they_are_off_only_while_they_are(panel, engine, result):
    ui = panel.ui
    before = ui.exportReportButton.toolTip
    assert "page" in before
    panel.session.close()  # as closing the scene does
    ui.opacitySlider.value = 0.9
    assert not ui.exportReportButton.enabled
    assert "another session" in ui.exportReportButton.toolTip
    start(panel)
    engine.finish()
    assert ui.exportReportButton.enabled
    assert ui.exportReportButton.toolTip == before
