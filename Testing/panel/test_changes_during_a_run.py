"""What users do to the scene during a run and after it; the result is that of what was chosen.

The engine is replayed from the files of a real run, so that the moment of its end can be chosen.
"""

from __future__ import annotations

import numpy as np
import pytest
from host.waiting import temporary_files
from panel.choices import hint, what_is_missing
from panel.replay import start

OUTPUTS = ("transform", "ctInMr", "mrInCt", "vertebraeInMr", "jacobian", "table")


def bend(scene, host):
    """A non-linear transform."""
    field = host.vtkOrientedGridTransform()
    import vtk

    image = vtk.vtkImageData()
    image.SetDimensions(3, 3, 3)
    image.AllocateScalars(vtk.VTK_DOUBLE, 3)
    image.GetPointData().GetScalars().Fill(1.0)
    field.SetDisplacementGridData(image)
    node = scene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
    node.SetAndObserveTransformFromParent(field)
    return node


def center(segmentation, name: str) -> np.ndarray:
    return np.array(segmentation.GetSegmentCenterRAS(name))


def test_a_parameter_set_deleted_during_the_run(panel, engine, scene):
    start(panel)
    scene.RemoveNode(panel.ui.parameterSetSelector.currentNode())
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    assert scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 1
    assert not panel.ui.registerButton.enabled
    assert panel.ui.readyLabel.text == "Choose a parameter set above, or make one."
    panel.ui.parameterSetSelector.addNode()
    assert panel.ui.readyLabel.text == "Choose the CT."


def test_another_parameter_set_chosen_during_the_run(panel, engine, scene):
    first = panel.ui.parameterSetSelector.currentNode()
    start(panel)
    second = panel.ui.parameterSetSelector.addNode()
    assert hint(panel.ui.registerButton) == "A registration is running."
    assert panel.ui.cancelButton.enabled
    engine.finish()
    from SpineCTMRRegistrationLib.parameters import Parameters

    assert all(getattr(Parameters(first), name) is not None for name in OUTPUTS)
    assert all(getattr(Parameters(second), name) is None for name in OUTPUTS)
    assert panel.ui.vertebraTable.rowCount == 0
    panel.ui.parameterSetSelector.setCurrentNode(first)
    assert panel.ui.vertebraTable.rowCount == 3


def test_two_parameter_sets_do_not_share_results(panel, engine, patient, scene):
    start(panel)
    engine.finish()
    first = {name: getattr(panel.logic.getParameterNode(), name) for name in OUTPUTS}
    panel.ui.parameterSetSelector.addNode()
    for selector, node in (
        (panel.ui.ctSelector, patient.ct),
        (panel.ui.mrSelector, patient.mr),
        (panel.ui.vertebraeSelector, patient.vertebrae),
    ):
        selector.setCurrentNode(node)
    start(panel)
    engine.finish()
    from SpineCTMRRegistrationLib.parameters import Parameters

    second = Parameters(panel.ui.parameterSetSelector.currentNode())
    assert all(getattr(second, name) not in (None, node) for name, node in first.items())
    assert len(temporary_files()) == 2
    scene.Clear(False)


def test_inputs_moved_during_the_run_are_registered_where_they_were(panel, engine, patient, scene, host):
    start(panel)
    engine.finish()
    parameters = panel.logic.getParameterNode()
    expected = center(parameters.vertebraeInMr, "L4")
    away = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "away")
    away.SetMatrixTransformToParent(host.util.vtkMatrixFromArray(np.diag([1.0, -1.0, -1.0, 1.0])))
    start(panel)
    patient.ct.SetAndObserveTransformNodeID(away.GetID())
    patient.vertebrae.SetAndObserveTransformNodeID(away.GetID())
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    assert np.allclose(center(parameters.vertebraeInMr, "L4"), expected, atol=1e-3)


@pytest.mark.parametrize("name", ["ct", "mr", "vertebrae"])
def test_inputs_bent_during_the_run_do_not_matter(panel, engine, patient, scene, host, name):
    start(panel)
    getattr(patient, name).SetAndObserveTransformNodeID(bend(scene, host).GetID())
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    for button in ("fused", "before", "contours", "heatmap", "grid"):
        getattr(panel.ui, f"{button}Button").click()


@pytest.mark.parametrize("name", ["ct", "mr", "vertebrae"])
def test_an_input_under_a_bent_transform_is_refused(panel, engine, patient, scene, host, name):
    node = getattr(patient, name)
    assert what_is_missing(panel) == ""
    node.SetAndObserveTransformNodeID(bend(scene, host).GetID())
    assert what_is_missing(panel).startswith(
        f'"{node.GetName()}" is under the non-linear transform "bent"; harden it'
    )
    node.SetAndObserveTransformNodeID(None)
    assert what_is_missing(panel) == ""


def test_renamed_and_deleted_nodes_during_the_run(panel, engine, patient, scene):
    """The run uses what was chosen at its start; deleted nodes do not come back."""
    parameters = panel.logic.getParameterNode()
    panel.ui.ctInMrSelector.addNode().SetName("To be deleted")
    parameters.wantJacobian = False
    start(panel)
    patient.ct.SetName("Renamed CT")
    scene.RemoveNode(parameters.ctInMr)
    scene.RemoveNode(patient.mr)
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    assert scene.GetFirstNodeByName("To be deleted") is None
    assert parameters.ctInMr.GetName() == "Renamed CT in MR space"
    assert parameters.jacobian is None
    assert parameters.mr is None
    assert not panel.ui.fusedButton.enabled
    assert what_is_missing(panel) == "Choose the MR."


def test_every_input_deleted_during_the_run(panel, engine, patient, scene):
    start(panel)
    for node in (patient.ct, patient.mr, patient.vertebrae, patient.mr_landmarks):
        scene.RemoveNode(node)
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    table = panel.ui.vertebraTable
    assert [table.item(row, 0).text() for row in range(table.rowCount)] == ["L3", "L4", "L5"]
    assert panel.ui.contoursButton.enabled
    assert not panel.ui.fusedButton.enabled


def test_results_deleted_between_two_runs_are_made_again(panel, engine, scene):
    start(panel)
    engine.finish()
    parameters = panel.logic.getParameterNode()
    for name in ("jacobian", "table"):
        scene.RemoveNode(getattr(parameters, name))
    kept = parameters.transform
    start(panel)
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    assert parameters.jacobian is not None
    assert parameters.table is not None
    assert parameters.transform is kept


def test_a_result_is_there_again_when_the_scene_is_loaded(panel, engine, patient, scene, tmp_path):
    from host.application import enter, leave

    start(panel)
    engine.finish()
    rows = [panel.ui.vertebraTable.item(row, 5).text() for row in range(3)]
    verdict = panel.ui.verdictLabel.text
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    leave(panel)
    scene.Clear(False)
    assert panel.ui.vertebraTable.rowCount == 0
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    enter(panel)
    assert panel.ui.ctSelector.currentNode().GetName() == patient.ct.GetName()
    assert [panel.ui.vertebraTable.item(row, 5).text() for row in range(3)] == rows
    assert panel.ui.verdictLabel.text == verdict
    assert not panel.ui.exportReportButton.enabled
    assert "another session" in panel.ui.exportReportButton.toolTip
    panel.ui.fusedButton.click()
    shown = scene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode").GetForegroundVolumeID()
    transform = panel.logic.getParameterNode().transform
    assert scene.GetNodeByID(shown).GetParentTransformNode() is transform


def models(table) -> dict[str, np.ndarray]:
    """Centres of the moved vertebrae, RAS mm."""
    from SpineCTMRRegistrationLib.result_nodes import results_of

    found = results_of(table).vertebra_models
    return {name: np.array(model.GetPolyData().GetCenter()) for name, model in found.items()}


def rename(patient, scene, host) -> None:
    """The bones are called one lower."""
    segmentation = patient.vertebrae.GetSegmentation()
    for segment_id, name in (("L3", "L4"), ("L4", "L5"), ("L5", "S1")):
        segmentation.GetSegment(segment_id).SetName(name)


def harden(patient, scene, host) -> None:
    """The bones' parent transform goes into their voxels."""
    patient.vertebrae.HardenTransform()


def erase(patient, scene, host) -> None:
    """Another bone's voxels are drawn into L3."""
    segmentation, image = patient.vertebrae.GetSegmentation(), host.vtkOrientedImageData()
    assert patient.vertebrae.GetBinaryLabelmapRepresentation("L5", image)
    segmentation.GetSegment("L3").AddRepresentation("Binary labelmap", image)


@pytest.mark.parametrize("edit", [rename, harden, erase])
def test_vertebrae_edited_during_the_run_are_moved_as_they_were(panel, engine, patient, scene, host, edit):
    parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "parent")
    patient.vertebrae.SetAndObserveTransformNodeID(parent.GetID())
    matrix = np.eye(4)
    matrix[2, 3] = 20.0
    parent.SetMatrixTransformToParent(host.util.vtkMatrixFromArray(matrix))
    start(panel)
    engine.finish()
    table = panel.logic.getParameterNode().table
    expected = models(table)
    start(panel)
    edit(patient, scene, host)
    engine.finish()
    assert panel.ui.statusLabel.text == "Registered."
    found = models(table)
    assert list(found) == list(expected) == ["L3", "L4", "L5"]
    for name, place in expected.items():
        assert np.allclose(found[name], place, atol=1e-3)
