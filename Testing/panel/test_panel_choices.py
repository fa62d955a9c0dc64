"""Choosing inputs, outputs and settings in the panel; no engine."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from panel.choices import add_segmentation, cells, what_is_missing, words
from spine_ctmr.choices import DEVICES, QUALITIES
from SpineCTMRRegistrationLib import dependencies

MODULE_FOLDER = Path(__file__).resolve().parents[2] / "SpineCTMRRegistration"


def test_register_says_what_is_missing_until_the_inputs_are_chosen(panel, volumes, scene):
    ct, mr = volumes
    assert what_is_missing(panel) == "Choose the CT."
    panel.ui.ctSelector.setCurrentNode(ct)
    assert what_is_missing(panel) == "Choose the MR."
    panel.ui.mrSelector.setCurrentNode(ct)
    assert "segmentation" not in what_is_missing(panel)
    assert "same volume" in what_is_missing(panel)
    panel.ui.mrSelector.setCurrentNode(mr)
    assert what_is_missing(panel) == "Choose the segmentation of the vertebrae in the CT."
    panel.ui.vertebraeSelector.setCurrentNode(add_segmentation(scene, "liver"))
    assert "No segment is named after a vertebra" in what_is_missing(panel)
    panel.ui.vertebraeSelector.setCurrentNode(add_segmentation(scene, "L4", "L5"))
    assert what_is_missing(panel) == ""


def test_the_panel_offers_what_the_engine_takes(panel):
    from SpineCTMRRegistrationLib.parameters import Device, Quality

    assert tuple(quality.value for quality in Quality) == QUALITIES
    assert tuple(device.value for device in Device) == DEVICES


def test_no_input_is_chosen_by_itself(panel, volumes):
    assert panel.ui.ctSelector.currentNode() is None
    assert panel.ui.mrSelector.currentNode() is None


def test_deleting_a_chosen_node_is_noticed(panel, chosen, scene):
    assert what_is_missing(panel) == ""
    scene.RemoveNode(chosen[0])
    assert what_is_missing(panel) == "Choose the CT."
    scene.RemoveNode(chosen[2])
    assert panel.ui.segmentTable.rowCount == 0


def test_segments_are_read_and_renaming_them_is_noticed(panel, chosen):
    assert cells(panel.ui.segmentTable, 1) == ["L3", "L4", "L5"]
    chosen[2].GetSegmentation().GetSegment("L3").SetName("T12")
    assert cells(panel.ui.segmentTable, 1) == ["T12", "L4", "L5"]
    chosen[2].GetSegmentation().RemoveSegment("L3")
    assert cells(panel.ui.segmentTable, 1) == ["L4", "L5"]


def test_a_segment_whose_name_means_nothing_can_be_named(panel, chosen):
    chosen[2].GetSegmentation().AddEmptySegment("thing", "the upper one")
    editor = panel.ui.segmentTable.cellWidget(3, 1)
    assert editor.currentText == "not a vertebra"
    editor.currentText = "L2"
    parameters = panel.logic.getParameterNode()
    assert parameters.segmentNames == {"thing": "L2"}
    assert chosen[2].GetSegmentation().GetSegment("thing").GetName() == "the upper one"
    panel.ui.segmentTable.cellWidget(3, 1).currentText = "L4"
    assert "2 segments are named L4" in what_is_missing(panel)


def test_hints_show_the_names_of_segments_as_they_are(panel, chosen):
    chosen[2].GetSegmentation().AddEmptySegment("thing", "<b>bone</b>")
    table = panel.ui.segmentTable
    for tip in (table.item(3, 0).toolTip(), table.cellWidget(3, 1).toolTip):
        assert "<b>bone</b>" in words(tip)


def test_names_given_for_one_segmentation_do_not_reach_another(panel, chosen, scene):
    first, other = (add_segmentation(scene, "Segment_1", "Segment_2") for _ in range(2))
    panel.ui.vertebraeSelector.setCurrentNode(first)
    panel.ui.segmentTable.cellWidget(0, 1).currentText = "L3"
    panel.ui.vertebraeSelector.setCurrentNode(other)
    assert panel.ui.segmentTable.cellWidget(0, 1).currentText == "not a vertebra"
    assert "say in the table which vertebra" in what_is_missing(panel)
    panel.ui.vertebraeSelector.setCurrentNode(first)
    assert panel.ui.segmentTable.cellWidget(0, 1).currentText == "L3"
    panel.ui.vertebraeSelector.setCurrentNode(other)
    panel.ui.segmentTable.cellWidget(1, 1).currentText = "L5"
    panel.ui.vertebraeSelector.setCurrentNode(first)
    assert [panel.ui.segmentTable.cellWidget(row, 1).currentText for row in range(2)] == [
        "not a vertebra"
    ] * 2


def test_a_new_segment_does_not_get_the_name_of_one_that_was_removed(panel, chosen, scene):
    first = add_segmentation(scene, "Segment_1", "Segment_2")
    panel.ui.vertebraeSelector.setCurrentNode(first)
    panel.ui.segmentTable.cellWidget(0, 1).currentText = "L3"
    first.GetSegmentation().RemoveSegment("Segment_1")
    first.GetSegmentation().AddEmptySegment("Segment_1", "Segment_1")
    assert panel.ui.segmentTable.rowCount == 2
    assert {panel.ui.segmentTable.cellWidget(row, 1).currentText for row in range(2)} == {"not a vertebra"}


def test_a_whole_body_segmentation_shows_its_vertebrae_first_and_its_organs_are_no_complaint(panel, chosen):
    for name in ("sacrum", "spleen", "vertebrae_S1"):
        chosen[2].GetSegmentation().AddEmptySegment(name, name)
    table = panel.ui.segmentTable
    assert cells(table, 0) == ["L3", "vertebrae_L4", "L5 vertebra", "sacrum", "vertebrae_S1", "spleen"]
    assert what_is_missing(panel) == ""
    assert table.cellWidget(5, 1).styleSheet == ""
    panel.ui.placeButton.click()
    points = panel.ui.mrVertebraeSelector.currentNode()
    labels = [points.GetNthControlPointLabel(i) for i in range(points.GetNumberOfControlPoints())]
    assert labels == ["L3", "L4", "L5", "S1"]


def test_segments_that_all_mean_nothing_are_marked(panel, chosen, scene):
    panel.ui.vertebraeSelector.setCurrentNode(add_segmentation(scene, "upper", "lower"))
    assert "say in the table which vertebra" in what_is_missing(panel)
    assert "background" in panel.ui.segmentTable.cellWidget(0, 1).styleSheet
    panel.ui.segmentTable.cellWidget(0, 1).currentText = "L1"
    assert panel.ui.segmentTable.cellWidget(1, 1).styleSheet == ""


def test_an_output_is_never_an_input(panel, chosen):
    panel.ui.ctInMrSelector.setCurrentNode(chosen[1])
    assert '"MR" is an input' in what_is_missing(panel)
    panel.ui.wantCtInMrCheckBox.checked = False
    assert what_is_missing(panel) == ""
    for name in ("Transform", "MrInCt", "VertebraeInMr", "Jacobian"):
        getattr(panel.ui, f"want{name}CheckBox").checked = False
    assert what_is_missing(panel) == "Choose at least one output."


def test_two_parameter_sets_keep_their_own_choices(panel, chosen):
    first = panel.ui.parameterSetSelector.currentNode()
    panel.ui.qualityComboBox.currentText = "Best"
    panel.ui.seedSpinBox.value = 7
    second = panel.ui.parameterSetSelector.addNode()
    assert panel.ui.parameterSetSelector.currentNode() is second
    assert panel.ui.qualityComboBox.currentText == "Standard"
    assert panel.ui.seedSpinBox.value == 0
    assert panel.ui.ctSelector.currentNode() is None
    panel.ui.ctSelector.setCurrentNode(chosen[1])
    panel.ui.parameterSetSelector.setCurrentNode(first)
    assert panel.ui.qualityComboBox.currentText == "Best"
    assert panel.ui.seedSpinBox.value == 7
    assert panel.ui.ctSelector.currentNode() is chosen[0]


def test_everything_chosen_is_saved_with_the_scene(panel, chosen, scene, tmp_path):
    ui = panel.ui
    ui.deviceComboBox.currentText = "CPU"
    ui.threadsSpinBox.value = 3
    ui.networkLineEdit.text = "/networks/mine.json"
    ui.wantJacobianCheckBox.checked = False
    ui.opacitySlider.value = 0.75
    chosen[2].GetSegmentation().AddEmptySegment("thing", "thing")
    ui.segmentTable.cellWidget(3, 1).currentText = "L2"
    ui.mrInCtSelector.addNode()
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(False)
    assert ui.ctSelector.currentNode() is None
    assert ui.deviceComboBox.currentText == "Auto"
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    assert ui.ctSelector.currentNode().GetName() == "CT"
    assert ui.mrSelector.currentNode().GetName() == "MR"
    assert ui.vertebraeSelector.currentNode().GetName() == "Segmentation"
    assert ui.mrInCtSelector.currentNode() is not None
    assert ui.deviceComboBox.currentText == "CPU"
    assert ui.threadsSpinBox.value == 3
    assert ui.networkLineEdit.text == "/networks/mine.json"
    assert not ui.wantJacobianCheckBox.checked
    assert ui.opacitySlider.value == 0.75
    assert panel.logic.getParameterNode().segmentNames == {"thing": "L2"}


def test_declined_packages_start_nothing_and_a_failed_installation_is_told(panel, chosen, monkeypatch, host):
    asked = []
    monkeypatch.setattr(dependencies, "missing_packages", lambda: [dependencies.TORCH])
    monkeypatch.setattr(host.util, "confirmOkCancelDisplay", lambda text: bool(asked.append(text)))
    panel.ui.registerButton.click()
    assert "torch>=2.4" in asked[0]
    assert not panel.session.running
    assert panel.ui.registerButton.enabled
    monkeypatch.setattr(host.util, "confirmOkCancelDisplay", lambda text: True)
    panel.ui.registerButton.click()
    assert "extension PyTorch is missing" in panel.ui.statusLabel.text
    assert not panel.session.running


def test_inputs_that_cannot_be_written_are_a_sentence(panel, chosen, scene):
    chosen[0].SetAndObserveImageData(None)
    panel.ui.registerButton.click()
    assert '"CT" is empty' in panel.ui.statusLabel.text
    assert not panel.session.running


def test_closing_the_scene_while_the_module_is_open_starts_afresh(panel, chosen, scene):
    scene.Clear(False)
    assert what_is_missing(panel) == "Choose the CT."
    assert panel.ui.parameterSetSelector.currentNode() is not None


@pytest.mark.slow
def test_nothing_heavy_is_loaded_with_the_panel():
    """Slicer starts quickly, and torch stays out of its process."""
    code = """
import sys
from host import application
application.make_panel()
print(sorted({"torch", "onnxruntime", "scipy", "matplotlib", "PIL", "safetensors"} & set(sys.modules)))
"""
    search = [str(MODULE_FOLDER), str(Path(__file__).resolve().parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {search}\n{code}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_warnings_name_the_nodes_and_keep_their_order(host):
    from SpineCTMRRegistrationLib.sections.result import _warnings
    from SpineCTMRRegistrationLib.session import WARNINGS
    from SpineCTMRRegistrationLib.vertebra_table import QualityReport

    quality = QualityReport("", (), warnings=("[file]: L3 outside [file].", "The soft tissue was left out."))
    table = host.vtkMRMLTableNode()
    assert _warnings(table, quality) == list(quality.warnings)
    table.SetAttribute(WARNINGS, '["\\"Centres\\": L3 outside \\"MR\\"."]')
    assert _warnings(table, quality) == ['"Centres": L3 outside "MR".', "The soft tissue was left out."]


def test_reload_takes_the_library_from_its_files_again(scene, host):
    from host.application import make_panel

    kept = dict(sys.modules)
    panel = make_panel()
    try:
        panel.onReload()
        again = panel.reloaded
        assert again.ResultSection.__module__ == "SpineCTMRRegistrationLib.sections.result"
        assert again.ResultSection is not kept["SpineCTMRRegistrationLib.sections.result"].ResultSection
        assert again.SpineError is not kept["spine_ctmr.errors"].SpineError
    finally:
        for name in set(sys.modules) - set(kept):
            del sys.modules[name]
        sys.modules.update(kept)
        importlib.reload(sys.modules["SpineCTMRRegistration"])
