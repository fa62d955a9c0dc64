"""Label maps whose labels are only numbers: what they are read as, and the choice where that is not clear."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from imaging.spines import SPACING_MM, spine
from panel.choices import cells, what_is_missing

LUMBAR = ("T12", "L1", "L2", "L3")


@pytest.fixture
def label_map(panel, chosen, scene, host):
    """Puts a stretch of spine into a label map volume."""

    def make(levels: dict[int, str], size: float = 1.0):
        node = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
        host.util.updateVolumeFromArray(node, spine(levels, size).astype(np.int16))
        node.SetSpacing(SPACING_MM, SPACING_MM, SPACING_MM)
        return node

    return make


def offered(panel, image: str = "ct") -> list[str]:
    box = getattr(panel.ui, f"{image}NumbersComboBox")
    return [box.itemText(i) for i in range(box.count)] if box.visible else []


def choose(panel, text: str) -> None:
    """Choose with the mouse, which `activated` tells from a change by the program."""
    index = offered(panel).index(text)
    panel.ui.ctNumbersComboBox.currentIndex = index
    panel.ui.ctNumbersComboBox.activated.emit(index)


def host_array(node) -> np.ndarray:
    import slicer

    return slicer.util.arrayFromVolume(node)


def test_segments_with_names_need_no_choice(panel, chosen):
    assert offered(panel) == offered(panel, "mr") == []


def test_totalspineseg_numbers_are_recognised_and_shown(panel, label_map):
    panel.ui.vertebraeSelector.setCurrentNode(label_map(dict(zip((32, 41, 42, 43), LUMBAR, strict=True))))
    assert cells(panel.ui.segmentTable, 0) == ["32", "41", "42", "43"]
    assert cells(panel.ui.segmentTable, 1) == list(LUMBAR)
    assert panel.ui.ctNumbersComboBox.currentText == "TotalSpineSeg: 32 = T12 … 43 = L3"
    assert what_is_missing(panel) == ""


def test_where_two_numberings_fit_the_user_is_asked_and_sees_the_names(panel, label_map):
    node = label_map({21: "T1", 22: "T2"})
    panel.ui.vertebraeSelector.setCurrentNode(node)
    assert offered(panel) == ["choose …", "VerSe: 21 = L2 … 22 = L3", "TotalSpineSeg: 21 = T1 … 22 = T2"]
    assert panel.ui.ctNumbersComboBox.currentIndex == 0
    assert "can be read as verse (21 = L2, 22 = L3) or totalspineseg" in what_is_missing(panel)
    assert what_is_missing(panel).endswith("say with the choice 'Numbers' what they mean.")
    choose(panel, "TotalSpineSeg: 21 = T1 … 22 = T2")
    assert cells(panel.ui.segmentTable, 1) == ["T1", "T2"]
    assert what_is_missing(panel) == ""
    choose(panel, "VerSe: 21 = L2 … 22 = L3")
    assert cells(panel.ui.segmentTable, 1) == ["L2", "L3"]


def test_the_choice_is_saved_with_the_scene(panel, label_map, scene, tmp_path):
    panel.ui.vertebraeSelector.setCurrentNode(label_map({21: "T1", 22: "T2"}))
    choose(panel, "TotalSpineSeg: 21 = T1 … 22 = T2")
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(False)
    assert offered(panel) == []
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    assert cells(panel.ui.segmentTable, 1) == ["T1", "T2"]


def test_labels_of_the_mr_are_asked_for_too(panel, label_map):
    panel.ui.mrVertebraeSelector.setCurrentNode(label_map({21: "T1", 22: "T2"}))
    assert "say with the choice 'Numbers'" in what_is_missing(panel)
    panel.ui.mrNumbersComboBox.currentIndex = 2
    panel.ui.mrNumbersComboBox.activated.emit(2)
    assert "names none of these vertebrae" in what_is_missing(panel)


def test_labels_that_fit_no_numbering_are_named_in_the_table(panel, label_map):
    panel.ui.vertebraeSelector.setCurrentNode(label_map({1: "L4", 2: "L5"}))
    assert "C1 is too large" in what_is_missing(panel)
    assert offered(panel) == []
    panel.ui.segmentTable.cellWidget(0, 1).currentText = "L4"
    panel.ui.segmentTable.cellWidget(1, 1).currentText = "L5"
    assert what_is_missing(panel) == ""


def test_what_is_written_is_in_verse_numbers_and_said_to_be(panel, label_map, tmp_path):
    """The command must not guess anew from the numbers of what is written."""
    from SpineCTMRRegistrationLib.parameters import input_nodes, run_options
    from SpineCTMRRegistrationLib.request import register_words
    from SpineCTMRRegistrationLib.scene import write_inputs

    node = label_map({21: "T1", 22: "T2"})
    panel.ui.vertebraeSelector.setCurrentNode(node)
    choose(panel, "TotalSpineSeg: 21 = T1 … 22 = T2")
    parameters = panel.logic.getParameterNode()
    files = write_inputs(input_nodes(parameters), tmp_path)
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(files.vertebrae)))
    original = host_array(node)
    assert set(np.unique(found[original == 21])) == {8}
    assert set(np.unique(found[original == 22])) == {9}
    words = register_words(files, tmp_path / "out", run_options(parameters))
    assert words[words.index("--label-scheme") + 1] == "verse"


def test_a_header_that_is_mended_and_a_new_name_are_noticed(label_map):
    """The numbers are told from shapes in mm, and what is said names the node."""
    from SpineCTMRRegistrationLib.numbering import numbering_of

    node = label_map(dict(zip(range(27, 32), ("L5", "L4", "L3", "L2", "L1"), strict=True)))
    labels = list(range(27, 32))
    right = numbering_of(node, labels)
    node.SetSpacing(SPACING_MM, SPACING_MM, 3 * SPACING_MM)
    wrong = numbering_of(node, labels)
    assert wrong != right
    assert '"Labels"' in wrong.problem
    node.SetName("Spine")
    assert '"Spine"' in numbering_of(node, labels).problem
    node.SetSpacing(SPACING_MM, SPACING_MM, SPACING_MM)
    assert numbering_of(node, labels) == right


@pytest.mark.parametrize("selector", ["vertebraeSelector", "mrVertebraeSelector"])
def test_a_volume_of_other_numbers_is_told(panel, label_map, host, selector):
    node = label_map({22: "L3", 23: "L4"})
    host.util.updateVolumeFromArray(node, host_array(node).astype(np.float32) / 4)
    getattr(panel.ui, selector).setCurrentNode(node)
    assert what_is_missing(panel) == '"Labels" holds values that are not whole numbers; give a label map.'
