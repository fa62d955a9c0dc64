"""What the buttons of the result show, and when they look pressed; the engine is replayed."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from panel.choices import hint, slices_of, words
from panel.replay import start


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
    buttons = ui.contoursButton, ui.modelsButton, ui.gridButton, ui.beforeButton
    ui.gridButton.click()
    ui.beforeButton.click()
    assert [button.checked for button in buttons] == [True] * 4
    first = ui.tableSelector.currentNode()
    choose_same_images(panel, patient)
    start(panel)
    engine.finish()
    assert ui.tableSelector.currentNode() is not first
    assert [button.checked for button in buttons] == [True, True, False, False]  # of the new result
    assert not result.vertebraeInMr.GetDisplayVisibility()  # never the outlines of two results at once
    ui.tableSelector.setCurrentNode(first)
    assert [button.checked for button in buttons] == [False, False, True, False]
    ui.contoursButton.click()
    ui.modelsButton.click()
    assert [button.checked for button in buttons] == [True, True, True, False]


def test_the_slider_changes_only_views_of_the_mr(panel, result, patient, composites):
    panel.ui.fusedButton.click()
    panel.ui.opacitySlider.value = 0.3
    assert {c.GetForegroundOpacity() for c in composites} == {0.3}
    panel.ui.heatmapButton.click()
    assert {c.GetForegroundOpacity() for c in composites} == {0.3}
    composites[0].SetBackgroundVolumeID(patient.ct.GetID())
    panel.ui.opacitySlider.value = 0.8
    assert [c.GetForegroundOpacity() for c in composites] == [0.3, 0.8, 0.8]


def layers(composites) -> list[tuple]:
    return [(c.GetBackgroundVolumeID(), c.GetForegroundVolumeID()) for c in composites]


def test_a_new_result_is_shown_at_once(panel, engine, patient, composites, scene, host):
    """Fused with outlines and models, at a vertebra; the layout and how slices are turned stay."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    before = layout.GetViewArrangement()
    patient.vertebrae.SetDisplayVisibility(True)
    start(panel)
    engine.finish()
    parameters = panel.logic.getParameterNode()
    for background, foreground in layers(composites):
        assert background == patient.mr.GetID()
        assert scene.GetNodeByID(foreground).GetParentTransformNode() is parameters.transform
    assert panel.ui.contoursButton.checked
    assert panel.ui.modelsButton.checked
    assert not patient.vertebrae.GetDisplayNode().GetVisibility2D()
    assert layout.GetViewArrangement() == before
    flags = [panel.ui.vertebraTable.item(row, 1).text() for row in range(3)]
    expected = next((i for i, flag in enumerate(flags) if flag != "good"), 1)
    assert panel.ui.vertebraTable.currentRow() == expected
    center = np.array(patient.mr_landmarks.GetNthControlPointPositionWorld(expected))
    for node, axis in zip(slices_of(scene, host), np.eye(3)[[2, 0, 1]], strict=True):
        matrix = host.util.arrayFromVTKMatrix(node.GetSliceToRAS())
        assert np.linalg.norm(matrix[:3, 3] - center) < 6
        assert abs(matrix[:3, 2] @ axis) == pytest.approx(1)


def test_a_run_that_ends_while_another_module_is_open_leaves_the_views(panel, engine, composites, scene):
    from host.application import enter, leave

    start(panel)
    before = layers(composites)
    leave(panel)
    engine.finish()
    assert layers(composites) == before
    enter(panel)
    assert layers(composites) == before
    assert panel.ui.vertebraTable.rowCount == 3


@pytest.mark.parametrize("drawn", [True, False], ids=["drawn", "hidden"])
@pytest.mark.parametrize("name", ["fused", "contours", "before", "heatmap", "grid"])
def test_the_cts_own_vertebrae_are_hidden_while_a_check_is_seen(
    panel, result, patient, composites, name, drawn
):
    """Afterwards they are drawn if they were before, and only then."""
    display = patient.vertebrae.GetDisplayNode()
    show_ct_alone(panel, patient, composites)
    assert display.GetVisibility2D()
    display.SetVisibility2D(drawn)
    button = getattr(panel.ui, f"{name}Button")
    button.click()
    assert not display.GetVisibility2D()
    if name in ("contours", "grid"):
        button.click()
    else:
        show_ct_alone(panel, patient, composites)
    assert bool(display.GetVisibility2D()) == drawn


def show_ct_alone(panel, patient, composites) -> None:
    """As the user does in the slice views, with outlines switched off."""
    if panel.ui.contoursButton.checked:
        panel.ui.contoursButton.click()
    for composite in composites:
        composite.SetBackgroundVolumeID(patient.ct.GetID())
        composite.SetForegroundVolumeID(None)


def test_contours_that_go_do_not_bring_back_what_still_would_mislead(panel, result, patient):
    display = patient.vertebrae.GetDisplayNode()
    panel.ui.fusedButton.click()
    panel.ui.contoursButton.click()
    assert not panel.ui.contoursButton.checked
    assert not display.GetVisibility2D()


def test_another_module_does_not_bring_back_what_would_mislead_there(panel, result, patient, composites):
    from host.application import enter, leave

    display = patient.vertebrae.GetDisplayNode()
    leave(panel)
    assert not display.GetVisibility2D()
    result.vertebraeInMr.GetDisplayNode().SetVisibility(False)
    assert not display.GetVisibility2D()
    for composite in composites:
        composite.SetForegroundVolumeID(None)
    assert display.GetVisibility2D()
    result.vertebraeInMr.GetDisplayNode().SetVisibility(True)
    assert not display.GetVisibility2D()
    enter(panel)
    assert not display.GetVisibility2D()
    leave(panel)
    panel.cleanup()
    assert display.GetVisibility2D()


def test_a_scene_that_is_closed_from_another_module_leaves_nothing_behind(panel, result, patient, scene):
    from host.application import enter, leave

    display = patient.vertebrae.GetDisplayNode()
    leave(panel)
    scene.Clear(False)
    assert display.GetVisibility2D()
    enter(panel)
    assert panel.ui.vertebraTable.rowCount == 0


def test_names_are_drawn_as_they_are(panel, engine, patient, host, monkeypatch):
    """Qt would read them as tags wherever it draws rich text."""
    import qt
    from SpineCTMRRegistrationLib.session import WARNINGS

    patient.ct.SetName("CT <L4 & plate>")
    patient.mr.SetName("<h1>MR</h1>")
    panel.ui.mrVertebraeSelector.setCurrentNode(None)
    start(panel)
    engine.finish()
    table = panel.logic.getParameterNode().table
    warning = f'"{patient.ct.GetName()}" and "{patient.mr.GetName()}" overlap little.'
    table.SetAttribute(WARNINGS, json.dumps([warning]))
    panel.ui.opacitySlider.value = 0.9
    assert panel.ui.verdictLabel.textFormat == qt.Qt.RichText
    assert warning in words(panel.ui.verdictLabel.text)
    for label in (panel.ui.statusLabel, panel.ui.readyLabel):
        assert label.textFormat == qt.Qt.PlainText
    told = []
    monkeypatch.setattr(host.util, "warningDisplay", lambda text, **options: told.append((text, options)))
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: "/<b>/nowhere", raising=False)
    panel.ui.exportReportButton.click()
    assert "/<b>/nowhere" in told[0][0]
    assert told[0][1] == {"textFormat": qt.Qt.PlainText}


def test_a_label_map_of_the_ct_is_hidden_too(panel, engine, patient, composites, scene, host):
    labels = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    host.vtkSlicerSegmentationsModuleLogic.ExportAllSegmentsToLabelmapNode(patient.vertebrae, labels)
    panel.ui.vertebraeSelector.setCurrentNode(labels)
    for composite in composites:
        composite.SetLabelVolumeID(labels.GetID())
    start(panel)
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    assert {c.GetLabelVolumeID() for c in composites} == {None}
    show_ct_alone(panel, patient, composites)
    assert {c.GetLabelVolumeID() for c in composites} == {labels.GetID()}


@pytest.mark.parametrize("name", ["fused", "contours", "before", "heatmap", "grid"])
def test_a_view_that_shows_none_of_the_vertebrae_is_moved_there(panel, result, patient, scene, host, name):
    """Far away, or inside of the MR but beside the spine; another one stays where it is."""
    away, beside, there = slices_of(scene, host)
    center = np.array(patient.mr_landmarks.GetNthControlPointPositionWorld(1))
    away.JumpSliceByCentering(900.0, 0.0, 0.0)
    beside.JumpSliceByCentering(*(center + 74.0))
    there.JumpSliceByCentering(*(center + 4.0))

    def place(node) -> np.ndarray:
        return host.util.arrayFromVTKMatrix(node.GetSliceToRAS())

    before = place(there)
    getattr(panel.ui, f"{name}Button").click()
    assert np.linalg.norm(place(away)[:3, 3] - center) < 5
    assert np.linalg.norm(place(beside)[:3, 3] - center) < 5
    assert np.allclose(place(there), before)


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
    assert not panel.ui.fusedButton.enabled
    panel.ui.contoursButton.click()
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


def test_a_registration_that_fails_its_checks_is_marked(panel, engine):
    """As the command ends where every point is named one level wrong."""
    sentence = "The MR landmarks seem to be named one level wrong."
    start(panel)
    engine.tell(error=sentence)
    engine.finish(3)
    assert panel.ui.statusLabel.text == f"Do not use without checking: {sentence}"
    assert "color" in panel.ui.statusLabel.styleSheet
    assert sentence in panel.ui.verdictLabel.text
    assert panel.ui.vertebraTable.rowCount == 3


def grids(scene, host) -> list[np.ndarray]:
    """The matrices of the deformation grids."""
    nodes = host.util.getNodesByClass("vtkMRMLLinearTransformNode", scene)
    shown = [node for node in nodes if node.GetAttribute("SpineCTMRRegistration.ShownGrid")]
    return [host.util.arrayFromTransformMatrix(node) for node in shown]


@pytest.mark.parametrize("entered", [True, False], ids=["in the module", "in another module"])
def test_the_grid_is_that_of_the_last_run(panel, engine, result, scene, host, tmp_path, entered):
    from host.application import leave

    panel.ui.gridButton.click()
    (before,) = grids(scene, host)
    engine.results = shutil.copytree(engine.results, tmp_path / "results")
    run = json.loads((engine.results / "run.json").read_text())
    run["start"]["ct_to_mr_lps"][2][3] += 7.0
    (engine.results / "run.json").write_text(json.dumps(run))
    start(panel)
    if not entered:
        leave(panel)
    engine.finish()
    (after,) = grids(scene, host)
    rigid_start = json.loads(result.table.GetAttribute("SpineCTMRRegistration.RigidStart"))
    assert np.allclose(after, np.linalg.inv(rigid_start))
    assert not np.allclose(after, before)


def test_a_grid_goes_with_its_transform(panel, result, scene, host):
    panel.ui.gridButton.click()
    assert len(grids(scene, host)) == 1
    scene.RemoveNode(result.transform)
    assert grids(scene, host) == []
    assert not panel.ui.gridButton.checked
    assert not panel.ui.gridButton.enabled


@pytest.mark.parametrize("name", ["fused", "before"])
def test_a_run_that_ends_in_another_module_renews_the_checkerboard(
    panel, engine, patient, composites, scene, host, name
):
    from host.application import enter, leave

    panel.ui.fusionComboBox.currentText = "Checkerboard of CT and MR"
    start(panel)
    engine.finish()
    button = getattr(panel.ui, f"{name}Button")
    button.click()
    away = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "away")
    matrix = np.eye(4)
    matrix[2, 3] = 30.0
    away.SetMatrixTransformToParent(host.util.vtkMatrixFromArray(matrix))
    for node in (patient.ct, patient.vertebrae):
        node.SetAndObserveTransformNodeID(away.GetID())

    def drawn() -> np.ndarray:
        return host.util.arrayFromVolume(scene.GetNodeByID(composites[0].GetForegroundVolumeID())).copy()

    former = drawn()
    start(panel)
    leave(panel)
    engine.finish()
    renewed = drawn()
    enter(panel)
    panel.ui.fusedButton.click()
    if name == "before":
        button.click()
    assert not np.array_equal(renewed, former)
    assert np.array_equal(renewed, drawn())


def test_looking_goes_on_when_the_vertebra_transforms_are_deleted(panel, result, scene):
    from SpineCTMRRegistrationLib.result_nodes import results_of

    for node in results_of(result.table).vertebra_transforms.values():
        scene.RemoveNode(node)
    for name in ("fused", "before", "contours", "heatmap", "grid"):
        getattr(panel.ui, f"{name}Button").click()
