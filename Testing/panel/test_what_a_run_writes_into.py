"""A run writes into what it made before and what the user picked by hand; the engine is replayed."""

from __future__ import annotations

import numpy as np
import pytest
from panel.choices import add_segmentation, what_is_missing
from panel.replay import node_ids, said, start

OUTPUTS = ("transform", "ctInMr", "mrInCt", "vertebraeInMr", "jacobian", "table")
SELECTORS = {"ctInMr": "ctInMrSelector", "vertebraeInMr": "vertebraeInMrSelector"}


@pytest.fixture
def others(scene, host):
    """Another patient's CT and segmentation."""
    ct = host.util.addVolumeFromArray(np.full((3, 4, 5), 7, np.int16), name="Another patient's CT")
    return {"ctInMr": ct, "vertebraeInMr": add_segmentation(scene, "tumour")}


def contents(others) -> tuple:
    segmentation = others["vertebraeInMr"].GetSegmentation()
    segments = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
    return others["ctInMr"].GetImageData().GetDimensions(), segments


def run(panel, engine) -> dict:
    """The nodes of the result."""
    start(panel)
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    parameters = panel.logic.getParameterNode()
    return {name: getattr(parameters, name) for name in OUTPUTS}


def test_a_node_that_came_to_be_chosen_is_spared(panel, engine, others):
    before = contents(others)
    for name, node in others.items():
        getattr(panel.ui, SELECTORS[name]).setCurrentNode(node)
    result = run(panel, engine)
    assert contents(others) == before
    assert all(result[name] not in (None, others[name]) for name in others)
    for node in others.values():
        assert f'"{node.GetName()}" is not written into' in panel.ui.logText.plainText


def test_a_deleted_result_is_made_anew_beside_its_neighbours(panel, engine, others, scene):
    first, before = run(panel, engine), contents(others)
    for name in others:
        scene.RemoveNode(first[name])
    second = run(panel, engine)
    assert contents(others) == before
    assert second == {**first, **{name: second[name] for name in others}}
    assert not set(second.values()) & set(others.values())


@pytest.mark.parametrize("name", SELECTORS)
def test_a_node_picked_by_hand_is_written_into(panel, engine, others, name):
    getattr(panel.ui, SELECTORS[name])._object.choose(others[name])
    assert run(panel, engine)[name] is others[name]


def test_a_node_made_in_the_selector_is_written_into(panel, engine, scene):
    made = panel.ui.jacobianSelector.addNode()
    assert run(panel, engine)["jacobian"] is made


def test_a_pick_that_was_taken_back_is_none(panel, engine, others):
    selector, before = panel.ui.ctInMrSelector, contents(others)
    selector._object.choose(others["ctInMr"])
    selector._object.choose(None)
    selector.setCurrentNode(others["ctInMr"])
    assert run(panel, engine)["ctInMr"] is not others["ctInMr"]
    assert contents(others) == before


def test_a_second_run_of_the_same_images_updates_its_nodes(panel, engine, scene):
    first, before = run(panel, engine), node_ids(scene)
    assert run(panel, engine) == first
    assert node_ids(scene) == before


def test_another_patient_gets_new_nodes(panel, engine, patient, host, scene):
    first = run(panel, engine)
    panel.logic.getParameterNode().mr = host.vtkSlicerVolumesLogic.CloneVolume(scene, patient.mr, "Other MR")
    second = run(panel, engine)
    assert all(second[name] not in (None, first[name]) for name in OUTPUTS)


def test_a_result_of_another_set_that_is_looked_at_is_kept(panel, engine, patient, scene):
    first = run(panel, engine)
    panel.ui.parameterSetSelector.addNode()
    panel.ui.ctSelector.setCurrentNode(patient.ct)
    panel.ui.mrSelector.setCurrentNode(patient.mr)
    panel.ui.vertebraeSelector.setCurrentNode(patient.vertebrae)
    panel.ui.tableSelector._object.choose(first["table"])
    assert panel.ui.vertebraTable.rowCount == 3
    references = [first["table"].GetNodeReferenceID(f"spineCTMR.{key}") for key in ("transform", "jacobian")]
    start(panel)
    engine.finish()
    assert panel.ui.tableSelector.currentNode() is not first["table"]
    assert references == [first["transform"].GetID(), first["jacobian"].GetID()]


def test_a_pick_is_for_one_run(panel, engine, patient, host, scene):
    made = panel.ui.ctInMrSelector.addNode()
    first = run(panel, engine)
    assert first["ctInMr"] is made
    parameters, volumes = panel.logic.getParameterNode(), host.vtkSlicerVolumesLogic
    parameters.ct = volumes.CloneVolume(scene, patient.ct, "CT of B")
    parameters.mr = volumes.CloneVolume(scene, patient.mr, "MR of B")
    second = run(panel, engine)
    assert second["ctInMr"] not in (None, made)
    assert made.GetNodeReference("spineCTMR.ct") is patient.ct
    assert first["table"].GetNodeReference("spineCTMR.ct_in_mr") is made


def test_a_pick_outlives_a_run_that_wrote_nothing(panel, engine, others):
    panel.ui.ctInMrSelector._object.choose(others["ctInMr"])
    start(panel)
    panel.ui.cancelButton.click()
    assert run(panel, engine)["ctInMr"] is others["ctInMr"]


def shared(*tables) -> set[str]:
    """Nodes that more than one of these quality tables refers to as its result."""
    from collections import Counter

    from SpineCTMRRegistrationLib.result_nodes import optional_nodes, results_of

    results = [results_of(table) for table in tables]
    held = Counter(
        node.GetName()
        for of in results
        for node in (
            *optional_nodes(of).values(),
            *of.vertebra_transforms.values(),
            *of.vertebra_models.values(),
        )
    )
    return {name for name, count in held.items() if count > 1}


def test_a_new_result_leaves_the_first_one_its_nodes(panel, engine):
    first = run(panel, engine)
    panel.ui.tableSelector._object.choose(None)
    second = run(panel, engine)
    assert all(second[name] not in (None, first[name]) for name in OUTPUTS)
    panel.ui.tableSelector._object.choose(first["table"])
    third = run(panel, engine)
    assert third["table"] is first["table"]
    assert shared(first["table"], second["table"]) == set()


def test_a_node_of_a_result_that_is_picked_for_another_leaves_it(panel, engine):
    first = run(panel, engine)
    panel.ui.tableSelector._object.choose(None)
    for name in ("transform", "ctInMr"):
        getattr(panel.ui, f"{name}Selector")._object.choose(first[name])
    second = run(panel, engine)
    assert [second[name] is first[name] for name in OUTPUTS] == [True, True, False, False, False, False]
    assert shared(first["table"], second["table"]) == set()
    assert first["table"].GetNodeReference("spineCTMR.ct_in_mr") is None
    assert first["table"].GetNodeReference("spineCTMR.mr_in_ct") is first["mrInCt"]


def test_an_image_does_not_follow_a_transform_of_another_result(panel, engine):
    first = run(panel, engine)
    panel.ui.tableSelector._object.choose(None)
    panel.ui.transformSelector._object.choose(first["transform"])
    second = run(panel, engine)
    assert first["ctInMr"].GetNodeReference("spineCTMR.transform") is None
    assert second["ctInMr"].GetNodeReference("spineCTMR.transform") is first["transform"]


@pytest.fixture
def screws(scene, host):
    """A segmentation of surfaces."""
    import vtk

    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Screws")
    cube, triangles = vtk.vtkCubeSource(), vtk.vtkTriangleFilter()
    triangles.SetInputConnection(cube.GetOutputPort())
    triangles.Update()
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    node.AddSegmentFromClosedSurfaceRepresentation(triangles.GetOutput(), "screw", [1, 0, 0], "screw")
    return node


def test_surfaces_are_not_lost(panel, engine, screws):
    panel.ui.vertebraeInMrSelector._object.choose(screws)
    refusal = '"Screws" holds other segments, and not as label maps; choose a new node'
    assert what_is_missing(panel).startswith(refusal)
    panel.ui.vertebraeInMrSelector._object.choose(None)
    run(panel, engine)
    assert screws.GetSegmentation().GetSegment("screw").GetRepresentation("Closed surface")


def test_an_output_whose_segments_became_surfaces_is_refused(panel, engine, others):
    node = others["vertebraeInMr"]
    panel.ui.vertebraeInMrSelector._object.choose(node)
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    panel.ui.registerButton.click()
    assert said(panel).startswith('"Segmentation" holds other segments')
