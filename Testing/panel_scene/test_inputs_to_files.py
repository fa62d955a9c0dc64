"""Nodes written for the command, read back by SimpleITK and by the command's own readers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from panel_scene.bare_slicer import BareSlicer
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.landmarks import read_landmarks
from spine_ctmr.imaging.segmentation import read_vertebrae
from SpineCTMRRegistrationLib.label_images import label_image, oriented_image, voxel_centers
from SpineCTMRRegistrationLib.sample_data import SampleNodes
from SpineCTMRRegistrationLib.scene import (
    InputNodes,
    file_names,
    landmark_names,
    segments_of,
    write_inputs,
)
from SpineCTMRRegistrationLib.segments import label_values, no_labels

from .conftest import CT_PARENT, MR_PARENT, Patient, put_under

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def inputs(nodes: SampleNodes, **changes: object) -> InputNodes:
    return InputNodes(**{"ct": nodes.ct, "mr": nodes.mr, "vertebrae": nodes.vertebrae, **changes})


def moved(points_lps: np.ndarray, parent_ras: np.ndarray) -> np.ndarray:
    """LPS points (n, 3) under a RAS parent transform, again in LPS."""
    homogeneous = np.c_[points_lps, np.ones(len(points_lps))]
    return (homogeneous @ (FLIP @ parent_ras @ FLIP).T)[:, :3]


def state(node: slicer.vtkMRMLNode) -> tuple[object, ...]:
    matrix = vtk.vtkMatrix4x4()
    if node.IsA("vtkMRMLVolumeNode"):
        node.GetIJKToRASMatrix(matrix)
    return (
        slicer.util.arrayFromVTKMatrix(matrix).tolist(),
        node.GetTransformNodeID(),
        node.GetName(),
        node.GetStorageNodeID(),
        node.GetContentModifiedEvents().GetNumberOfValues(),
        node.GetModifiedSinceRead(),
    )


@pytest.mark.parametrize(("name", "parent"), [("ct", CT_PARENT), ("mr", MR_PARENT)])
def test_images_are_written_in_the_world(
    patient: Patient, nodes: SampleNodes, tmp_path: Path, name: str, parent: np.ndarray
) -> None:
    original = getattr(patient.phantom.case, name)
    written = sitk.ReadImage(getattr(write_inputs(inputs(nodes), tmp_path), name))
    assert written.GetPixelID() == original.GetPixelID()
    assert sorted(written.GetSize()) == sorted(original.GetSize())
    voxels = np.random.default_rng(0).integers(0, original.GetSize(), (500, 3))  # readers may permute axes
    points = moved(Grid.of(original).to_points(voxels), parent)
    found = Grid.of(written).to_indices(points)
    assert np.abs(found - found.round()).max() < 1e-3
    values = [written[tuple(index)] for index in found.round().astype(int).tolist()]
    assert values == [original[tuple(voxel)] for voxel in voxels.tolist()]


def test_a_segmentation_keeps_names_and_place(patient: Patient, nodes: SampleNodes, tmp_path: Path) -> None:
    labels = read_vertebrae(write_inputs(inputs(nodes), tmp_path).vertebrae)
    image, warnings = labels.image, labels.warnings
    assert warnings == ()
    labels, original = sitk.GetArrayFromImage(image), patient.phantom.case.vertebrae
    for number in patient.phantom.poses:
        voxels = np.argwhere(sitk.GetArrayFromImage(original) == number)[:, ::-1]
        found = np.argwhere(labels == number)[:, ::-1]
        assert len(found) == len(voxels)
        expected = moved(Grid.of(original).to_points(voxels), CT_PARENT).mean(axis=0)
        assert np.allclose(Grid.of(image).to_points(found).mean(axis=0), expected, atol=1e-3)


def test_segments_without_a_meaning_take_the_names_given(nodes: SampleNodes, tmp_path: Path) -> None:
    nodes.vertebrae.GetSegmentation().GetSegment("L4").SetName("upper")
    assert [s.name for s in segments_of(nodes.vertebrae)] == ["upper", "L5"]
    files = write_inputs(inputs(nodes, overrides={"L4": "L4"}), tmp_path)
    assert set(np.unique(sitk.GetArrayFromImage(read_vertebrae(files.vertebrae).image))) == {0, 23, 24}
    assert nodes.vertebrae.GetSegmentation().GetSegment("L4").GetName() == "upper"


SOURCES = {
    "surface": ("Closed surface", []),
    "surface beside label map": ("Closed surface", ["Binary labelmap"]),
    "label map beside surface": ("Binary labelmap", ["Closed surface"]),
    "fractions": ("Fractional labelmap", []),
    "fractions beside label map": ("Fractional labelmap", ["Binary labelmap"]),
}


@pytest.mark.parametrize("numbers", [(23,), (23, 24)], ids=["one segment", "two segments"])
@pytest.mark.parametrize("kept", SOURCES)
def test_what_a_segmentation_is_made_of_is_drawn_where_the_parent_puts_it(
    patient: Patient, nodes: SampleNodes, tmp_path: Path, kept: str, numbers: tuple[int, ...]
) -> None:
    """Also where Slicer has derived other representations from it, which stay as they are."""
    source, beside = SOURCES[kept]
    segmentation = nodes.vertebrae.GetSegmentation()
    if len(numbers) == 1:
        segmentation.RemoveSegment("L5")
    segmentation.SetConversionParameter("Smoothing factor", "0.0")
    for name in ("Closed surface", source):
        assert segmentation.CreateRepresentation(name)
    segmentation.SetSourceRepresentationName(source)
    for name in {"Closed surface", "Binary labelmap"} - {source, *beside}:
        segmentation.RemoveRepresentation(name)
    for name in beside:
        assert segmentation.CreateRepresentation(name)
    found: list[str] = []
    segmentation.GetContainedRepresentationNames(found)
    assert {source, *beside} <= set(found)
    image = read_vertebrae(write_inputs(inputs(nodes), tmp_path).vertebrae).image
    after: list[str] = []
    segmentation.GetContainedRepresentationNames(after)
    assert after == found
    original = patient.phantom.case.vertebrae
    for number in numbers:
        voxels = np.argwhere(sitk.GetArrayFromImage(original) == number)[:, ::-1]
        points = moved(Grid.of(original).to_points(voxels), CT_PARENT)
        values = [image.EvaluateAtPhysicalPoint(p.tolist(), sitk.sitkNearestNeighbor) for p in points[::20]]
        assert np.mean(np.array(values) == number) > 0.9


def label_map(host: BareSlicer, patient: Patient, names: dict[int, str]) -> slicer.vtkMRMLLabelMapVolumeNode:
    """The CT's labels as a label map volume, renumbered 1, 2, … with named colours."""
    node = host.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(patient.folder / "ct_vertebrae.nrrd"))
    assert storage.ReadData(node)
    table = host.scene.AddNewNodeByClass("vtkMRMLColorTableNode", "names")
    table.SetTypeToUser()
    table.SetNumberOfColors(30)
    for label, name in names.items():
        table.SetColor(label, name, 0.1, 0.2, 0.3, 1.0)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
    return node


def test_a_label_map_is_read_by_its_colour_names(
    host: BareSlicer, patient: Patient, nodes: SampleNodes, tmp_path: Path
) -> None:
    node = label_map(host, patient, {23: "vertebrae_L1", 24: "aorta"})
    files = write_inputs(inputs(nodes, vertebrae=node), tmp_path)
    found = sitk.GetArrayFromImage(read_vertebrae(files.vertebrae).image)
    original = sitk.GetArrayFromImage(patient.phantom.case.vertebrae)
    assert np.array_equal(found, np.where(original == 23, 20, 0))


def test_a_label_map_without_names_is_read_by_its_numbers(
    host: BareSlicer, patient: Patient, nodes: SampleNodes, tmp_path: Path
) -> None:
    node = label_map(host, patient, {23: "blue", 24: "green"})
    assert [s.name for s in segments_of(node)] == ["23", "24"]
    files = write_inputs(inputs(nodes, vertebrae=node), tmp_path)
    found = sitk.GetArrayFromImage(read_vertebrae(files.vertebrae).image)
    assert np.array_equal(found, sitk.GetArrayFromImage(patient.phantom.case.vertebrae))


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float64])
def test_the_labels_of_a_label_map_follow_its_voxels(kind: type) -> None:
    node = slicer.vtkMRMLLabelMapVolumeNode()
    voxels = np.zeros((130, 100, 100), kind)  # more than one chunk
    voxels[0, 0, 0], voxels[-1, -1, -1] = 28, 20
    if kind is np.int16:
        voxels[1, 1, :3] = -5, 10_000, 10_001
    slicer.util.updateVolumeFromArray(node, voxels)
    largest = [10_000] if kind is np.int16 else []
    assert label_values(node) == label_values(node) == [20, 28, *largest]
    slicer.util.arrayFromVolume(node)[5, 5, 5] = 23
    slicer.util.arrayFromVolumeModified(node)
    assert label_values(node) == [20, 23, 28, *largest]


@pytest.fixture
def unsharp(host: BareSlicer, patient: Patient) -> slicer.vtkMRMLLabelMapVolumeNode:
    """The CT's labels as a program that computes with floats leaves them: 22.9999 and 24.0001."""
    node = label_map(host, patient, {})
    voxels = slicer.util.arrayFromVolume(node).astype(np.float32)
    voxels[voxels == 23] -= 1e-4
    voxels[voxels == 24] += 1e-4
    slicer.util.updateVolumeFromArray(node, voxels)
    assert np.unique(slicer.util.arrayFromVolume(node))[1] < 23
    return node


def test_labels_of_floating_point_numbers_are_rounded(
    patient: Patient, nodes: SampleNodes, tmp_path: Path, unsharp: slicer.vtkMRMLLabelMapVolumeNode
) -> None:
    assert [(s.name, s.number) for s in segments_of(unsharp)] == [("23", 23), ("24", 24)]
    files = write_inputs(inputs(nodes, vertebrae=unsharp), tmp_path)
    found = sitk.GetArrayFromImage(read_vertebrae(files.vertebrae).image)
    original = sitk.GetArrayFromImage(patient.phantom.case.vertebrae)
    assert np.array_equal(found, original)
    image = oriented_image(unsharp, np.eye(4))
    for number in (23, 24):
        assert len(voxel_centers(label_image(image, number))) == (original == number).sum()
    assert slicer.util.arrayFromVolume(unsharp).dtype.kind == "f"


@pytest.mark.parametrize(("value", "said"), [(22.5, "not whole numbers"), (np.nan, "not numbers")])
def test_a_label_map_of_other_numbers_is_refused(
    nodes: SampleNodes,
    tmp_path: Path,
    unsharp: slicer.vtkMRMLLabelMapVolumeNode,
    value: float,
    said: str,
) -> None:
    slicer.util.arrayFromVolume(unsharp)[0, 0, 0] = value
    slicer.util.arrayFromVolumeModified(unsharp)
    assert segments_of(unsharp) == []
    assert re.match(f'"labels" holds values that are {said}.*; give a label map.$', no_labels(unsharp))
    with pytest.raises(InputError, match=f'"labels" holds values that are {said}'):
        write_inputs(inputs(nodes, vertebrae=unsharp), tmp_path)


def test_landmarks_are_written_in_the_world(patient: Patient, nodes: SampleNodes, tmp_path: Path) -> None:
    nodes.mr_landmarks.AddControlPoint(vtk.vtkVector3d(1, 2, 3), "T1")
    nodes.mr_landmarks.UnsetNthControlPointPosition(2)
    assert landmark_names(nodes.mr_landmarks) == ["L4", "L5"]
    files = write_inputs(inputs(nodes, mr_landmarks=nodes.mr_landmarks), tmp_path)
    assert files.mr_landmarks is not None
    written = read_landmarks(files.mr_landmarks)
    true = patient.phantom.case.mr_centroids or {}
    assert set(written) == set(true)
    for number, center in true.items():
        assert np.allclose(written[number], moved(center[None], MR_PARENT)[0], atol=2e-3)


def test_inputs_and_scene_stay_as_they_are(host: BareSlicer, nodes: SampleNodes, tmp_path: Path) -> None:
    chosen = (nodes.ct, nodes.mr, nodes.vertebrae, nodes.mr_landmarks)
    before, count = [state(node) for node in chosen], host.scene.GetNumberOfNodes()
    voxels = slicer.util.arrayFromVolume(nodes.ct).copy()
    write_inputs(inputs(nodes, mr_landmarks=nodes.mr_landmarks), tmp_path)
    assert [state(node) for node in chosen] == before
    assert host.scene.GetNumberOfNodes() == count
    assert np.array_equal(slicer.util.arrayFromVolume(nodes.ct), voxels)


def test_a_non_linear_parent_is_refused_in_one_sentence(
    host: BareSlicer, nodes: SampleNodes, tmp_path: Path
) -> None:
    parent = host.scene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
    grid = slicer.vtkOrientedGridTransform()
    field = vtk.vtkImageData()
    field.SetDimensions(3, 3, 3)
    field.AllocateScalars(vtk.VTK_DOUBLE, 3)
    field.GetPointData().GetScalars().Fill(1.0)
    grid.SetDisplacementGridData(field)
    parent.SetAndObserveTransformFromParent(grid)
    nodes.mr.SetAndObserveTransformNodeID(parent.GetID())
    with pytest.raises(InputError, match=r'"Phantom MR".*non-linear.*"bent".*harden'):
        write_inputs(inputs(nodes), tmp_path)


def test_a_shearing_parent_is_refused(nodes: SampleNodes, tmp_path: Path) -> None:
    shear = np.eye(4)
    shear[0, 1] = 0.2
    put_under(nodes.ct, shear)
    with pytest.raises(InputError, match=r'"Phantom CT" is sheared'):
        write_inputs(inputs(nodes), tmp_path)


def test_empty_nodes_are_refused(host: BareSlicer, nodes: SampleNodes, tmp_path: Path) -> None:
    empty = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    with pytest.raises(InputError, match='"nothing" is empty'):
        write_inputs(inputs(nodes, mr=empty), tmp_path)
    hollow = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "hollow")
    with pytest.raises(InputError, match='"hollow" holds no segments'):
        write_inputs(inputs(nodes, vertebrae=hollow), tmp_path)


def test_messages_can_name_the_nodes(nodes: SampleNodes) -> None:
    names = file_names(inputs(nodes, mr_landmarks=nodes.mr_landmarks))
    assert names["ct.nrrd"] == '"Phantom CT"'
    assert names["vertebrae.seg.nrrd"] == '"Phantom vertebrae"'
    assert names["mr_landmarks.mrk.json"] == '"Phantom MR body centres"'
