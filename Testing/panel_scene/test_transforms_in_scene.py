"""What MRML does with the transforms of a result, against SimpleITK applying their files and the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from panel_scene.bare_slicer import BareSlicer
from spine_ctmr.imaging.vertebra_names import vertebra_name
from SpineCTMRRegistrationLib.result_nodes import ResultNodes
from SpineCTMRRegistrationLib.sample_data import SampleNodes
from vtk.util.numpy_support import vtk_to_numpy

from .conftest import CT_PARENT, MR_PARENT, Patient, Registered
from .geometry import bone, grid_of, mr_points, sitk_through, through, world


def test_the_transform_maps_points_as_simpleitk_does(
    result: ResultNodes, registered: Registered, patient: Patient
) -> None:
    points = mr_points(patient)
    from_world, to_world = vtk.vtkGeneralTransform(), vtk.vtkGeneralTransform()
    result.transform.GetTransformFromWorld(from_world)
    result.transform.GetTransformToWorld(to_world)
    in_ct = sitk_through(registered.results / "mr_to_ct.h5", points)
    assert np.abs(in_ct - points).max() > 5
    assert np.allclose(through(from_world, points), in_ct, atol=1e-6)
    assert np.allclose(through(to_world, in_ct), points, atol=1e-2)


def test_bones_of_the_ct_move_onto_the_mr(host: BareSlicer, result: ResultNodes, patient: Patient) -> None:
    """Compared with the true place, through both parent transforms, by the dense and the rigid transform."""
    for number, pose in patient.phantom.poses.items():
        points = bone(patient, number)
        true = world(MR_PARENT, pose.apply(points))
        start = world(CT_PARENT, points)
        assert np.linalg.norm(start - true, axis=1).mean() > 10
        for transform in (result.transform, result.vertebra_transforms[vertebra_name(number)]):
            to_world = vtk.vtkGeneralTransform()
            transform.GetTransformToWorld(to_world)
            moved = through(to_world, start)
            assert np.linalg.norm(moved - true, axis=1).mean() < 0.6


def test_a_vertebra_transform_is_the_rigid_pose_of_its_file(
    result: ResultNodes, registered: Registered
) -> None:
    points = np.random.default_rng(2).uniform(-50, 250, (20, 3))
    for name, node in result.vertebra_transforms.items():
        assert node.IsLinear()
        to_world = vtk.vtkGeneralTransform()
        node.GetTransformToWorld(to_world)
        expected = sitk_through(registered.results / "vertebrae" / f"{name}.tfm", points)
        assert np.allclose(through(to_world, points), expected, atol=1e-6)


def test_markups_under_the_transform_move_along(
    host: BareSlicer, result: ResultNodes, registered: Registered, patient: Patient
) -> None:
    markups = host.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    points = np.concatenate([world(CT_PARENT, bone(patient, n)[::20]) for n in patient.phantom.poses])
    for point in points:
        markups.AddControlPointWorld(vtk.vtkVector3d(point))
    markups.SetAndObserveTransformNodeID(result.transform.GetID())
    markups.HardenTransform()
    moved = slicer.util.arrayFromMarkupsControlPoints(markups)
    assert np.allclose(sitk_through(registered.results / "mr_to_ct.h5", moved), points, atol=0.01)
    apart = np.linalg.norm(moved - sitk_through(registered.results / "ct_to_mr.h5", points), axis=1)
    assert np.median(apart) < 0.01


def test_mrml_resamples_the_ct_as_simpleitk_does(
    host: BareSlicer, nodes: SampleNodes, result: ResultNodes, registered: Registered
) -> None:
    copy = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    image = vtk.vtkImageData()
    image.DeepCopy(nodes.ct.GetImageData())
    copy.SetAndObserveImageData(image)
    matrix = vtk.vtkMatrix4x4()
    nodes.ct.GetIJKToRASMatrix(matrix)
    copy.SetIJKToRASMatrix(matrix)
    copy.SetAndObserveTransformNodeID(nodes.ct.GetTransformNodeID())
    copy.HardenTransform()
    moving = slicer.util.arrayFromVolume(copy).copy()
    grid = grid_of(copy)
    copy.SetAndObserveTransformNodeID(result.transform.GetID())
    copy.HardenTransform()
    hardened = slicer.util.arrayFromVolume(copy)
    transform = sitk.ReadTransform(str(registered.results / "mr_to_ct.h5"))
    reference = grid_of(copy).image(np.zeros_like(hardened))
    expected = sitk.GetArrayFromImage(
        sitk.Resample(grid.image(moving), reference, transform, sitk.sitkLinear, 0)
    )
    inside = sitk.GetArrayFromImage(
        sitk.Resample(grid.image(np.ones_like(moving)), reference, transform, sitk.sitkLinear, 0)
    )
    bony = (expected > 200) & (inside > 0)
    assert bony.sum() > 5000
    assert np.abs(hardened[bony].astype(float) - expected[bony]).max() <= 2


def test_models_under_the_transform_move_along(
    host: BareSlicer, result: ResultNodes, registered: Registered, patient: Patient
) -> None:
    """A planned screw, say: its surface in the CT's world."""
    start = np.concatenate([world(CT_PARENT, bone(patient, n)[::20]) for n in patient.phantom.poses])
    points, surface = vtk.vtkPoints(), vtk.vtkPolyData()
    points.SetDataTypeToDouble()
    for point in start:
        points.InsertNextPoint(point)
    surface.SetPoints(points)
    model = host.scene.AddNewNodeByClass("vtkMRMLModelNode")
    model.SetAndObservePolyData(surface)
    model.SetAndObserveTransformNodeID(result.transform.GetID())
    model.HardenTransform()
    moved = slicer.util.arrayFromModelPoints(model)
    expected = sitk_through(registered.results / "ct_to_mr.h5", start)
    assert np.abs(expected - start).max() > 5
    assert np.median(np.linalg.norm(moved - expected, axis=1)) < 0.01


def centroid(segmentation: slicer.vtkMRMLSegmentationNode, name: str) -> np.ndarray:
    """The mean place of a segment's voxels, RAS mm."""
    image = slicer.vtkOrientedImageData()
    assert segmentation.GetBinaryLabelmapRepresentation(name, image)
    array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    voxels = np.argwhere(array > 0)[:, ::-1] + np.array(image.GetExtent())[::2]
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return (slicer.util.arrayFromVTKMatrix(matrix) @ [*voxels.mean(axis=0), 1.0])[:3]


def test_segments_under_the_transform_move_along(
    host: BareSlicer, nodes: SampleNodes, result: ResultNodes, registered: Registered, patient: Patient
) -> None:
    nodes.vertebrae.HardenTransform()
    nodes.vertebrae.SetAndObserveTransformNodeID(result.transform.GetID())
    nodes.vertebrae.HardenTransform()
    for number in patient.phantom.poses:
        start = world(CT_PARENT, bone(patient, number, every=1))
        expected = sitk_through(registered.results / "ct_to_mr.h5", start)
        found = centroid(nodes.vertebrae, vertebra_name(number))
        assert np.linalg.norm(found - expected.mean(axis=0)) < 0.75  # half a voxel


def test_a_transform_saved_by_slicer_is_read_by_others(
    result: ResultNodes, registered: Registered, patient: Patient, tmp_path: Path
) -> None:
    """A non-linear transform to parent would be saved as an inverse that other software cannot read."""
    file = tmp_path / "saved.h5"
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(file))
    assert storage.WriteData(result.transform)
    points = mr_points(patient)
    expected = sitk_through(registered.results / "mr_to_ct.h5", points)
    assert np.allclose(sitk_through(file, points), expected, atol=1e-6)
