"""A folder of results as nodes, compared with SimpleITK applying the files and with the phantom's truth."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from panel_scene.bare_slicer import BareSlicer
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.vertebra_names import vertebra_name
from SpineCTMRRegistrationLib import result_loader
from SpineCTMRRegistrationLib.result_nodes import (
    CT_IN_MR,
    JACOBIAN,
    OPTIONAL_RESULTS,
    TRANSFORM,
    Outputs,
    ResultNodes,
    SourceNodes,
    check_outputs,
    optional_nodes,
    quality_of,
    results_of,
)
from SpineCTMRRegistrationLib.results_in_scene import load_results
from SpineCTMRRegistrationLib.sample_data import SampleNodes

from .conftest import CT_PARENT, Patient, Registered, put_under
from .geometry import LPS, mr_points, through


def all_nodes(scene: slicer.vtkMRMLScene) -> set[str]:
    return {scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())}


def test_images_are_those_of_the_files(result: ResultNodes, registered: Registered) -> None:
    for name in ("ct_in_mr", "mr_in_ct", "jacobian"):
        node, image = getattr(result, name), sitk.ReadImage(str(registered.results / f"{name}.nrrd"))
        ijk_to_ras = vtk.vtkMatrix4x4()
        node.GetRASToIJKMatrix(ijk_to_ras)
        voxels = np.random.default_rng(3).integers(0, image.GetSize(), (200, 3)).tolist()
        array = slicer.util.arrayFromVolume(node)
        for voxel in voxels:
            ras = np.array(image.TransformIndexToPhysicalPoint(voxel)) * LPS
            i, j, k = np.round(ijk_to_ras.MultiplyPoint([*ras, 1])[:3]).astype(int)
            assert array[k, j, i] == pytest.approx(image[tuple(voxel)])


def test_moved_segments_cover_the_moved_labels(
    host: BareSlicer, result: ResultNodes, registered: Registered, nodes: SampleNodes
) -> None:
    segmentation = result.vertebrae_in_mr.GetSegmentation()
    labels = sitk.ReadImage(str(registered.results / "vertebrae_in_mr.nrrd"))
    array = sitk.GetArrayFromImage(labels)
    for number in (23, 24):
        segment = segmentation.GetSegment(vertebra_name(number))
        source = nodes.vertebrae.GetSegmentation().GetSegment(vertebra_name(number))
        assert segment.GetName() == source.GetName()
        assert segment.GetColor() == source.GetColor()
        image = slicer.vtkOrientedImageData()
        assert result.vertebrae_in_mr.GetBinaryLabelmapRepresentation(vertebra_name(number), image)
        points = np.argwhere(array == number)[::7, ::-1]
        ras = Grid.of(labels).to_points(points) * LPS
        to_ijk = vtk.vtkMatrix4x4()
        image.GetWorldToImageMatrix(to_ijk)
        low, high = np.array(image.GetExtent()).reshape(3, 2).T
        found = np.array([to_ijk.MultiplyPoint([*p, 1])[:3] for p in ras]).round().astype(int)
        inside = np.all((found >= low) & (found <= high), axis=1)
        values = [
            image.GetScalarComponentAsDouble(*p, 0) if ok else 0
            for p, ok in zip(found.tolist(), inside, strict=True)
        ]
        assert np.mean(np.array(values) > 0) > 0.93


def test_inputs_are_not_touched(
    host: BareSlicer, nodes: SampleNodes, sources: SourceNodes, registered: Registered
) -> None:
    chosen = (nodes.ct, nodes.mr, nodes.vertebrae, nodes.mr_landmarks)
    before = [(node.GetName(), node.GetTransformNodeID(), node.GetModifiedSinceRead()) for node in chosen]
    voxels = slicer.util.arrayFromVolume(nodes.ct).copy()
    load_results(host.scene, registered.results, sources, Outputs())
    after = [(node.GetName(), node.GetTransformNodeID(), node.GetModifiedSinceRead()) for node in chosen]
    assert after == before
    assert np.array_equal(slicer.util.arrayFromVolume(nodes.ct), voxels)


def test_the_heatmap_is_clear_at_one(result: ResultNodes) -> None:
    display = result.jacobian.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((0.5, 2.0))
    table = display.GetColorNode()
    color = [0.0] * 4

    def at(value: float) -> list[float]:
        table.GetColor(round((value - 0.5) / 1.5 * 255), color)
        return color.copy()

    assert at(1.0)[3] == 0
    red, _, blue, alpha = at(1.6)
    assert red > blue
    assert alpha == 1
    red, _, blue, alpha = at(0.7)
    assert blue > red
    assert alpha == 1


def test_the_table_tells_what_the_quality_file_tells(result: ResultNodes, registered: Registered) -> None:
    content = json.loads((registered.results / "quality.json").read_text())
    quality = quality_of(result.table)
    assert quality.verdict == content["verdict"]
    assert [row.name for row in quality.rows] == ["L4", "L5"]
    table = result.table
    assert table.GetNumberOfRows() == 2
    columns = {table.GetColumnName(i): i for i in range(table.GetNumberOfColumns())}
    for i, vertebra in enumerate(content["vertebrae"]):
        assert table.GetCellText(i, columns["flag"]) == vertebra["flag"]
        assert table.GetCellText(i, columns["reason"]) == vertebra["reason"]
        assert float(table.GetCellText(i, columns["moved_mm"])) == pytest.approx(
            vertebra["moved_mm"], rel=1e-4
        )


def test_fixed_and_moving_are_known(result: ResultNodes, nodes: SampleNodes) -> None:
    for transform in (result.transform, *result.vertebra_transforms.values()):
        assert transform.GetNodeReference("spatialRegistrationFixed") == nodes.mr
        assert transform.GetNodeReference("spatialRegistrationMoving") == nodes.ct


def test_results_lie_under_the_study_of_the_ct(
    host: BareSlicer, result: ResultNodes, nodes: SampleNodes
) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(host.scene)
    study = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(nodes.ct))
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(result.table))
    assert hierarchy.GetItemName(folder) == "Registration of Phantom CT to Phantom MR"
    assert hierarchy.GetItemParent(folder) == study
    for key in OPTIONAL_RESULTS:
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(getattr(result, key))) == folder
    for node in result.vertebra_transforms.values():
        inner = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
        assert hierarchy.GetItemParent(inner) == folder


def test_a_second_run_updates_the_nodes(
    host: BareSlicer, sources: SourceNodes, registered: Registered, result: ResultNodes
) -> None:
    before = all_nodes(host.scene)
    result.transform.SetName("mine")
    matrix = vtk.vtkMatrix4x4()
    result.ct_in_mr.SetIJKToRASMatrix(matrix)
    result.transform.SetMatrixTransformToParent(matrix)
    chosen = {key: getattr(result, key) for key in OPTIONAL_RESULTS}
    again = load_results(host.scene, registered.results, sources, Outputs(nodes=chosen, table=result.table))
    assert all_nodes(host.scene) == before
    assert again == result
    assert again.transform.GetName() == "mine"
    assert not again.transform.IsLinear()
    again.ct_in_mr.GetIJKToRASMatrix(matrix)
    assert matrix.GetElement(2, 3) != 0


def test_results_that_are_not_wanted_are_not_made(
    host: BareSlicer, sources: SourceNodes, registered: Registered, result: ResultNodes
) -> None:
    before = host.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    again = load_results(host.scene, registered.results, sources, Outputs(wanted=frozenset({TRANSFORM})))
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == before
    assert again.ct_in_mr is None
    assert again.transform is not None
    assert list(again.vertebra_transforms) == ["L4", "L5"]


@pytest.mark.parametrize(
    "broken", ["jacobian.nrrd", "mr_to_ct.h5", "quality.json", "run.json", "vertebrae/L4.tfm"]
)
def test_a_broken_file_leaves_the_scene_as_it_was(
    host: BareSlicer, sources: SourceNodes, registered: Registered, tmp_path: Path, broken: str
) -> None:
    folder = tmp_path / "results"
    shutil.copytree(registered.results, folder)
    (folder / broken).write_bytes(b"NRRD0004\nnonsense\n")
    before = all_nodes(host.scene)
    with pytest.raises(InputError, match="register again"):
        load_results(host.scene, folder, sources, Outputs())
    assert all_nodes(host.scene) == before


def test_a_failure_in_the_scene_removes_new_nodes(
    host: BareSlicer, sources: SourceNodes, registered: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_nodes(host.scene)

    def fail(*arguments: object) -> None:
        raise RuntimeError("no place")

    monkeypatch.setattr(result_loader, "place_results", fail)
    with pytest.raises(RuntimeError, match="no place"):
        load_results(host.scene, registered.results, sources, Outputs())
    left = {host.scene.GetNodeByID(i).GetClassName() for i in all_nodes(host.scene) - before}
    assert left <= {"vtkMRMLColorTableNode"}  # the heatmap's colours, one per scene


def test_an_input_is_never_an_output(sources: SourceNodes, nodes: SampleNodes, result: ResultNodes) -> None:
    inputs = [nodes.ct, nodes.mr, nodes.vertebrae]
    with pytest.raises(InputError, match='"Phantom CT" is an input'):
        check_outputs(Outputs(nodes={CT_IN_MR: nodes.ct}), inputs)
    with pytest.raises(InputError, match="another output"):
        check_outputs(Outputs(nodes={CT_IN_MR: result.ct_in_mr, JACOBIAN: result.ct_in_mr}), inputs)
    with pytest.raises(InputError, match="cannot hold"):
        check_outputs(Outputs(nodes={TRANSFORM: result.vertebra_transforms["L4"]}), inputs)


def test_inputs_deleted_during_the_run_do_not_matter(
    host: BareSlicer, sources: SourceNodes, registered: Registered
) -> None:
    alone = replace(sources, ct=None, vertebrae=None)
    result = load_results(host.scene, registered.results, alone, Outputs())
    assert result.transform.GetNodeReference("spatialRegistrationMoving") is None
    names = [result.vertebrae_in_mr.GetSegmentation().GetNthSegment(i).GetName() for i in range(2)]
    assert names == ["L4", "L5"]


def test_a_saved_scene_has_everything_in_place(
    host: BareSlicer, result: ResultNodes, patient: Patient, tmp_path: Path
) -> None:
    points = mr_points(patient)
    before = vtk.vtkGeneralTransform()
    result.transform.GetTransformFromWorld(before)
    expected = through(before, points)
    file = str(tmp_path / "scene.mrb")
    assert host.scene.WriteToMRB(file)
    (tmp_path / "again").mkdir()
    other = BareSlicer(tmp_path / "again")
    assert other.scene.ReadFromMRB(file)
    table = other.scene.GetFirstNodeByName(result.table.GetName())
    again = results_of(table)
    after = vtk.vtkGeneralTransform()
    again.transform.GetTransformFromWorld(after)
    assert np.allclose(through(after, points), expected, atol=1e-4)
    assert list(again.vertebra_transforms) == ["L4", "L5"]
    for name, node in again.vertebra_transforms.items():
        old, new = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
        node.GetMatrixTransformToParent(new)
        result.vertebra_transforms[name].GetMatrixTransformToParent(old)
        assert np.allclose(
            slicer.util.arrayFromVTKMatrix(new), slicer.util.arrayFromVTKMatrix(old), atol=1e-6
        )
    assert quality_of(table) == quality_of(result.table)
    assert again.jacobian.GetDisplayNode().GetColorNode().GetName() == "Jacobian determinant"
    assert again.transform.GetNodeReference("spatialRegistrationFixed").GetName() == "Phantom MR"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(other.scene)
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(table))
    assert hierarchy.GetItemName(folder) == "Registration of Phantom CT to Phantom MR"
    for name in ("L4", "L5"):
        old_center, new_center = (
            np.array(node.GetSegmentCenterRAS(name))
            for node in (result.vertebrae_in_mr, again.vertebrae_in_mr)
        )
        assert np.allclose(new_center, old_center, atol=1.5)


def test_a_second_run_is_in_world_coordinates(
    host: BareSlicer, sources: SourceNodes, registered: Registered, result: ResultNodes
) -> None:
    """The user put every node of the first result under a transform."""
    parts = [
        *optional_nodes(result).values(),
        *result.vertebra_transforms.values(),
        *result.vertebra_models.values(),
    ]
    for node in parts:
        put_under(node, CT_PARENT)
    load_results(
        host.scene, registered.results, sources, Outputs(nodes=optional_nodes(result), table=result.table)
    )
    assert [node.GetName() for node in parts if node.GetParentTransformNode() is not None] == []
