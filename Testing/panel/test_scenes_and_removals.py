"""Nodes that are deleted and scenes that come and go while the panel is open; no engine."""

from __future__ import annotations

import numpy as np
import pytest
from panel.choices import add_segmentation, what_is_missing

INPUTS = ("ct", "mr", "vertebrae", "mrVertebrae")
SELECTORS = {
    "ct": "ctSelector",
    "mr": "mrSelector",
    "vertebrae": "vertebraeSelector",
    "mrVertebrae": "mrVertebraeSelector",
    "transform": "transformSelector",
    "ctInMr": "ctInMrSelector",
    "mrInCt": "mrInCtSelector",
    "vertebraeInMr": "vertebraeInMrSelector",
    "jacobian": "jacobianSelector",
    "table": "tableSelector",
}


def saved_scene(panel, scene, tmp_path) -> str:
    path = str(tmp_path / "scene.mrb")
    assert scene.WriteToMRB(path)
    return path


@pytest.fixture
def everything(panel, chosen, scene, host):
    """A node for every choice of the panel, each with a neighbour that its selector offers too."""
    from SpineCTMRRegistrationLib.result_table import QUALITY

    nodes = dict(zip(INPUTS, (*chosen, add_segmentation(scene, "L3", "L4")), strict=True))
    kinds = {
        "transform": "vtkMRMLTransformNode",
        "ctInMr": "vtkMRMLScalarVolumeNode",
        "mrInCt": "vtkMRMLScalarVolumeNode",
        "vertebraeInMr": "vtkMRMLSegmentationNode",
        "jacobian": "vtkMRMLScalarVolumeNode",
        "table": "vtkMRMLTableNode",
    }
    for name, kind in kinds.items():
        for title in (name, f"neighbour of {name}"):
            node = scene.CreateNodeByClass(kind)
            node.UnRegister(None)
            node.SetName(title)
            node.SetAttribute(QUALITY, '{"verdict": "", "vertebrae": [], "overall": {}, "warnings": []}')
            scene.AddNode(node)
            nodes.setdefault(name, node)
    for name, node in nodes.items():
        selector = getattr(panel.ui, SELECTORS[name])
        selector.setCurrentNode(node)
        assert selector.currentNode() is node
    return nodes


@pytest.mark.parametrize("name", SELECTORS)
def test_a_deleted_node_is_not_replaced_by_its_neighbour(panel, everything, scene, name):
    parameters = panel.logic.getParameterNode()
    scene.RemoveNode(everything[name])
    assert getattr(panel.ui, SELECTORS[name]).currentNode() is None
    kept = {other: getattr(parameters, other) for other in SELECTORS}
    assert kept == {**everything, name: None}
    assert f'"{everything[name].GetName()}" was removed' in panel.ui.statusLabel.text


def test_a_node_that_is_chosen_twice_is_given_up_twice(panel, everything, scene):
    panel.ui.mrInCtSelector.setCurrentNode(everything["mr"])
    scene.RemoveNode(everything["mr"])
    parameters = panel.logic.getParameterNode()
    assert (parameters.mr, parameters.mrInCt) == (None, None)
    assert panel.ui.statusLabel.text.endswith("as MR, MR in CT.")
    assert what_is_missing(panel) == "Choose the MR."


def test_nodes_deleted_while_another_module_is_open(panel, everything, scene):
    from host.application import enter, leave

    leave(panel)
    for name in ("ct", "jacobian"):
        scene.RemoveNode(everything[name])
    enter(panel)
    parameters = panel.logic.getParameterNode()
    assert (parameters.ct, parameters.jacobian) == (None, None)
    assert panel.ui.ctSelector.currentNode() is None
    assert parameters.mr is everything["mr"]


def test_a_deleted_parameter_set_is_not_replaced_by_its_neighbour(panel, chosen, scene):
    first = panel.ui.parameterSetSelector.currentNode()
    second = panel.ui.parameterSetSelector.addNode()
    panel.ui.parameterSetSelector.setCurrentNode(first)
    scene.RemoveNode(first)
    assert panel.ui.parameterSetSelector.currentNode() is None
    assert what_is_missing(panel) == "Choose a parameter set above, or make one."
    panel.ui.parameterSetSelector._object.choose(second)
    assert what_is_missing(panel) == "Choose the CT."


def test_a_loaded_scene_is_shown(panel, chosen, scene, tmp_path):
    path = saved_scene(panel, scene, tmp_path)
    scene.Clear(False)
    assert what_is_missing(panel) == "Choose the CT."
    assert scene.ReadFromMRB(path)
    assert panel.ui.ctSelector.currentNode().GetName() == "CT"
    assert what_is_missing(panel) == ""
    assert len(panel.logic.getAllParameterNodes()) == 1  # the unused set of the empty scene is gone


def test_a_scene_loaded_while_another_module_is_open_is_shown(panel, chosen, scene, tmp_path):
    from host.application import enter, leave

    path = saved_scene(panel, scene, tmp_path)
    scene.Clear(False)
    leave(panel)
    assert scene.ReadFromMRB(path)
    enter(panel)
    assert panel.ui.ctSelector.currentNode().GetName() == "CT"
    assert what_is_missing(panel) == ""
    assert len(panel.logic.getAllParameterNodes()) == 1


def test_a_scene_that_is_added_leaves_the_choices_as_they_are(panel, chosen, scene, host, tmp_path):
    path = saved_scene(panel, scene, tmp_path)
    other = host.util.addVolumeFromArray(np.zeros((3, 3, 3)), name="Other patient")
    panel.ui.ctSelector.setCurrentNode(other)
    shown = panel.ui.parameterSetSelector.currentNode()
    assert scene.ReadFromMRB(path)
    assert panel.ui.parameterSetSelector.currentNode() is shown
    assert panel.ui.ctSelector.currentNode() is other
    assert panel.logic.getParameterNode().ct is other
    assert len(panel.logic.getAllParameterNodes()) == 2


def test_an_empty_set_that_the_user_made_stays(panel, chosen, scene, host):
    from host.application import enter, leave

    made = panel.ui.parameterSetSelector.addNode()
    leave(panel)
    enter(panel)
    assert panel.ui.parameterSetSelector.currentNode() is made
    assert len(panel.logic.getAllParameterNodes()) == 2


def test_placing_ends_when_the_points_or_the_mr_are_deleted(panel, chosen, scene):
    interaction = scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
    for index in (0, 1):
        panel.ui.placeButton.click()
        points = panel.ui.mrVertebraeSelector.currentNode()
        assert interaction.GetCurrentInteractionMode() == interaction.Place
        scene.RemoveNode((points, chosen[1])[index])
        assert not panel.ui.placeButton.checked
        assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
