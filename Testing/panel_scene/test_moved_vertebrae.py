"""Bones cropped from label maps, moved and given surfaces, compared with numpy and with known shapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from panel_scene.bare_slicer import BareSlicer
from spine_ctmr.imaging.vertebra_names import vertebra_name
from SpineCTMRRegistrationLib.label_images import label_image, oriented_image, voxel_centers
from SpineCTMRRegistrationLib.moved_vertebrae import LARGEST_CUT_MM2, _cut_area_mm2, moving_steps
from SpineCTMRRegistrationLib.result_files import reading_steps
from SpineCTMRRegistrationLib.result_nodes import ResultNodes, SourceNodes
from SpineCTMRRegistrationLib.results_in_scene import _end_of as end_of
from SpineCTMRRegistrationLib.segments import vertebra_of
from vtk.util.numpy_support import numpy_to_vtk

from .conftest import MR_PARENT, Patient, Registered, motion
from .geometry import bone, world

PARENT = motion((3, 4, -5), (20, -30, 40))
OBLIQUE = motion((10, -20, 35), (5, 6, -7)) @ np.diag([0.7, 0.9, 2.5, 1.0])


@pytest.fixture
def voxels() -> np.ndarray:
    """Two blocks of labels (z, y, x)."""
    voxels = np.zeros((12, 14, 16), np.int16)
    voxels[3:7, 2:9, 5:15] = 22
    voxels[8:12, 4:8, 0:4] = 23
    return voxels


@pytest.fixture
def labels(host: BareSlicer, voxels: np.ndarray) -> slicer.vtkMRMLLabelMapVolumeNode:
    node, image = host.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels"), vtk.vtkImageData()
    image.SetDimensions(voxels.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(voxels.ravel(), deep=True))
    node.SetAndObserveImageData(image)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(OBLIQUE))
    return node


@pytest.mark.parametrize("label", [22, 23])
def test_a_cropped_bone_keeps_its_place(
    labels: slicer.vtkMRMLLabelMapVolumeNode, voxels: np.ndarray, label: int
) -> None:
    image = label_image(oriented_image(labels, PARENT), label)
    ijk = np.argwhere(voxels == label)[:, ::-1]
    expected = np.c_[ijk, np.ones(len(ijk))] @ (PARENT @ OBLIQUE)[:3].T
    assert np.allclose(voxel_centers(image), expected)
    assert image.GetDimensions() == tuple(np.ptp(ijk, axis=0) + 3)
    assert np.array_equal(slicer.util.arrayFromVolume(labels), voxels)
    assert len(voxel_centers(label_image(oriented_image(labels, PARENT), 24))) == 0


def test_bone_at_the_end_of_the_image_is_measured() -> None:
    """A block of 6 x 8 mm that meets the first slice with 48 mm², and one that ends a slice before it."""
    ijk_to_ras, size = PARENT @ np.diag([1.0, 2.0, 3.0, 1.0]), (20, 20, 20)
    block = np.stack(np.meshgrid(range(5, 11), range(3, 7), range(5), indexing="ij"), axis=-1).reshape(-1, 3)

    def area(ijk: np.ndarray) -> float:
        return _cut_area_mm2(ijk @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3], ijk_to_ras, size)

    assert area(block) == pytest.approx(48.0)
    assert area(block) > LARGEST_CUT_MM2
    assert area(np.add(block, [0, 0, 1])) == 0
    assert area(np.add(block, [0, 0, 15])) == pytest.approx(48.0)
    assert area(np.add(block, [9, 0, 3])) == pytest.approx(4 * 5 * 2.0 * 3.0)


def test_surfaces_wrap_the_moved_bones(result: ResultNodes, patient: Patient) -> None:
    """Points of each bone lie inside its surface, which is smooth: it has the volume of the voxels."""
    segmentation = result.vertebrae_in_mr.GetSegmentation()
    for number, pose in patient.phantom.poses.items():
        surface = segmentation.GetSegment(vertebra_name(number)).GetRepresentation("Closed surface")
        inside = vtk.vtkImplicitPolyDataDistance()
        inside.SetInput(surface)
        points = world(MR_PARENT, pose.apply(bone(patient, number)))
        distances = np.array([inside.EvaluateFunction(point) for point in points])
        assert (distances < 1.5).mean() > 0.99
        assert distances.min() < -3


def test_a_bone_that_the_source_lacks_takes_no_other_bones_id(
    sources: SourceNodes, registered: Registered
) -> None:
    """The segment "L4" is L5 and there is no L4."""
    files = end_of(reading_steps(registered.results, []))
    row = next(row for row in sources.at_start.rows if row.vertebra == "L4")
    alone = replace(sources.at_start, rows=[replace(row, vertebra="L5")])
    segmentation = end_of(moving_steps(files, alone)).segmentation
    segments = [segmentation.GetNthSegment(i) for i in range(segmentation.GetNumberOfSegments())]
    assert sorted(vertebra_of(segment) for segment in segments) == ["L4", "L5"]
