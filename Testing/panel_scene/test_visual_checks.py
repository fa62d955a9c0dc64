"""Slice views without windows: what the layers draw, compared with SimpleITK, and where slices go."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from panel_scene.bare_slicer import BareSlicer
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.vertebra_names import vertebra_name
from SpineCTMRRegistrationLib import views
from SpineCTMRRegistrationLib.deformation_grid import show_grid
from SpineCTMRRegistrationLib.nodes import scene_nodes
from SpineCTMRRegistrationLib.result_nodes import ResultNodes
from SpineCTMRRegistrationLib.sample_data import SampleNodes

from .conftest import CT_PARENT, MR_PARENT, Patient, Registered

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture
def slices(host: BareSlicer) -> list[slicer.vtkMRMLSliceLogic]:
    return [host.add_slice(orientation) for orientation in ("Axial", "Sagittal", "Coronal")]


@pytest.fixture
def shown(host: BareSlicer, slices: list[slicer.vtkMRMLSliceLogic]) -> list[views.SliceView]:
    return views.slice_views(host.scene)


def drawn(logic: slicer.vtkMRMLSliceLogic) -> np.ndarray:
    """Foreground voxels (200, 200) as the slice draws them, before window and level."""
    reslice = logic.GetForegroundLayer().GetReslice()
    reslice.Update()
    image = reslice.GetOutput()
    columns, rows, _ = image.GetDimensions()
    return vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns)


def in_ct(logic: slicer.vtkMRMLSliceLogic, mr_to_ct: sitk.Transform, ct: sitk.Image) -> np.ndarray:
    """The CT at the pixels of a slice, resampled by SimpleITK; NaN outside."""
    matrix = slicer.util.arrayFromVTKMatrix(logic.GetSliceNode().GetXYToRAS())
    x, y = np.meshgrid(np.arange(200), np.arange(200))
    world = np.stack([x, y, 0 * x, 0 * x + 1], axis=-1).reshape(-1, 4) @ matrix.T @ LPS
    unplaced = np.linalg.inv(LPS @ CT_PARENT @ LPS)
    values = []
    for point in world[:, :3]:
        placed = np.array([*mr_to_ct.TransformPoint(point.tolist()), 1.0])
        index = ct.TransformPhysicalPointToContinuousIndex((unplaced @ placed)[:3].tolist())
        inside = all(1 <= c <= n - 2 for c, n in zip(index, ct.GetSize(), strict=True))
        values.append(ct.EvaluateAtContinuousIndex(index, sitk.sitkLinear) if inside else np.nan)
    return np.array(values).reshape(200, 200)


def test_the_fused_view_draws_the_registered_ct(
    slices: list[slicer.vtkMRMLSliceLogic],
    shown: list[views.SliceView],
    nodes: SampleNodes,
    result: ResultNodes,
    registered: Registered,
    patient: Patient,
) -> None:
    views.jump_to_vertebra(shown, result, "L4")
    views.show_fused(shown, nodes.mr, result.ct_in_mr, 0.4)
    for view in shown:
        assert view.composite.GetBackgroundVolumeID() == nodes.mr.GetID()
        assert view.composite.GetForegroundOpacity() == pytest.approx(0.4)
        assert view.composite.GetLinkedControl()
    transform = sitk.ReadTransform(str(registered.results / "mr_to_ct.h5"))
    expected = in_ct(slices[1], transform, patient.phantom.case.ct)
    bony = expected > 150
    assert bony.sum() > 500
    assert np.median(np.abs(drawn(slices[1])[bony] - expected[bony])) < 2
    assert np.percentile(np.abs(drawn(slices[1])[bony] - expected[bony]), 95) < 15


def test_before_is_the_rigid_start_and_after_removes_it(
    host: BareSlicer,
    slices: list[slicer.vtkMRMLSliceLogic],
    shown: list[views.SliceView],
    nodes: SampleNodes,
    result: ResultNodes,
    registered: Registered,
    patient: Patient,
) -> None:
    views.jump_to_vertebra(shown, result, "L5")
    views.set_foreground_opacity(shown, 0.7)
    views.show_before(shown, nodes.mr, result.ct_in_mr, result.table)
    start = np.array(json.loads((registered.results / "run.json").read_text())["start"]["ct_to_mr_lps"])
    back = np.linalg.inv(start)
    transform = sitk.AffineTransform(back[:3, :3].ravel().tolist(), back[:3, 3].tolist())
    expected = in_ct(slices[1], transform, patient.phantom.case.ct)
    bony = expected > 150
    assert bony.sum() > 500
    assert np.median(np.abs(drawn(slices[1])[bony] - expected[bony])) < 2
    during = host.scene.GetNumberOfNodes()
    views.show_after(shown, nodes.mr, result.ct_in_mr)
    assert shown[0].composite.GetForegroundOpacity() == pytest.approx(0.7)
    assert not [n for n in _names(host) if n.endswith("before registration")]
    views.show_before(shown, nodes.mr, result.ct_in_mr, result.table)
    views.show_after(shown, nodes.mr, result.ct_in_mr)
    assert host.scene.GetNumberOfNodes() <= during
    assert nodes.ct.GetParentTransformNode() is not None


def test_a_ct_that_was_moved_since_is_drawn_where_it_was_registered(
    host: BareSlicer, shown: list[views.SliceView], nodes: SampleNodes, result: ResultNodes
) -> None:
    """Such as one that the user has put under the result, or under another motion."""

    def drawn_at() -> np.ndarray:
        node = host.scene.GetNodeByID(shown[0].composite.GetForegroundVolumeID())
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        return slicer.util.arrayFromVTKMatrix(matrix)

    places = []
    for parent in (nodes.ct.GetTransformNodeID(), result.transform.GetID(), None):
        nodes.ct.SetAndObserveTransformNodeID(parent)
        views.show_fused(shown, nodes.mr, result.ct_in_mr)
        places.append(drawn_at())
        views.show_before(shown, nodes.mr, result.ct_in_mr, result.table)
        places.append(drawn_at())
    assert np.allclose(places[0::2], places[0])
    assert np.allclose(places[1::2], places[1])


def test_a_ct_that_was_changed_since_is_not_drawn(
    shown: list[views.SliceView], nodes: SampleNodes, result: ResultNodes
) -> None:
    nodes.ct.SetOrigin(1.0, 2.0, 3.0)
    views.show_fused(shown, nodes.mr, result.ct_in_mr)
    assert shown[0].composite.GetForegroundVolumeID() == result.ct_in_mr.GetID()
    with pytest.raises(InputError, match="CT was changed or removed after it was registered; register it"):
        views.show_before(shown, nodes.mr, result.ct_in_mr, result.table)


def _names(host: BareSlicer) -> list[str]:
    return [host.scene.GetNthNode(i).GetName() or "" for i in range(host.scene.GetNumberOfNodes())]


def test_helper_volumes_are_not_saved(
    host: BareSlicer, shown: list[views.SliceView], nodes: SampleNodes, result: ResultNodes, tmp_path: Path
) -> None:
    views.show_fused(shown, nodes.mr, result.ct_in_mr)
    views.show_before(shown, nodes.mr, result.ct_in_mr, result.table)
    assert host.scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    (tmp_path / "again").mkdir()
    other = BareSlicer(tmp_path / "again")
    assert other.scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    assert not [
        name for name in _names(other) if "before registration" in name or name.endswith(" registered")
    ]


@pytest.mark.parametrize("number", [23, 24])
def test_slices_turn_along_the_vertebra(
    shown: list[views.SliceView], result: ResultNodes, patient: Patient, number: int
) -> None:
    """Against the frame with which the phantom drew the vertebra (x left, y posterior, z cranial)."""
    views.jump_to_vertebra(shown, result, vertebra_name(number))
    anatomy = patient.phantom.anatomy
    frame = patient.phantom.poses[number] @ anatomy.frames[anatomy.numbers.index(number)]
    left, posterior, cranial = (MR_PARENT @ LPS @ frame.matrix)[:3, :3].T
    center = (MR_PARENT @ LPS @ np.array([*frame.apply(np.zeros(3)), 1]))[:3]
    normals = {"Axial": cranial, "Sagittal": -left, "Coronal": -posterior}
    rights = {"Axial": left, "Sagittal": posterior, "Coronal": left}
    for view, name in zip(shown, normals, strict=True):
        matrix = slicer.util.arrayFromVTKMatrix(view.slice_node.GetSliceToRAS())
        assert np.linalg.norm(matrix[:3, 3] - center) < 6
        assert abs(matrix[:3, 2] @ normals[name]) > np.cos(np.radians(10))
        assert matrix[:3, 0] @ rights[name] > np.cos(np.radians(10))


def test_slices_turn_back(shown: list[views.SliceView], result: ResultNodes) -> None:
    before = [slicer.util.arrayFromVTKMatrix(view.slice_node.GetSliceToRAS())[:3, :3] for view in shown]
    views.jump_to_vertebra(shown, result, "L4")
    views.reset_orientation(shown)
    after = [slicer.util.arrayFromVTKMatrix(view.slice_node.GetSliceToRAS())[:3, :3] for view in shown]
    assert np.allclose(after, before)


def test_an_unknown_vertebra_is_refused(shown: list[views.SliceView], result: ResultNodes) -> None:
    with pytest.raises(InputError, match="no vertebra C3"):
        views.jump_to_vertebra(shown, result, "C3")


def test_contours_replace_the_unmoved_vertebrae(nodes: SampleNodes, result: ResultNodes) -> None:
    display, source = result.vertebrae_in_mr, nodes.vertebrae
    assert not display.GetDisplayVisibility()
    views.show_contours(display)
    assert display.GetDisplayNode().GetVisibility2DOutline()
    assert not display.GetDisplayNode().GetVisibility2DFill()
    assert not source.GetDisplayNode().GetVisibility2D()
    views.show_contours(display, False)
    assert not display.GetDisplayNode().GetVisibility()
    assert source.GetDisplayNode().GetVisibility2D()


def test_the_heatmap_has_a_legend_only_while_it_is_shown(
    shown: list[views.SliceView], nodes: SampleNodes, result: ResultNodes
) -> None:
    views.show_heatmap(shown, nodes.mr, result.jacobian)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(result.jacobian)
    assert legend.GetVisibility()
    assert shown[0].composite.GetForegroundVolumeID() == result.jacobian.GetID()
    views.show_fused(shown, nodes.mr, result.ct_in_mr)
    assert not legend.GetVisibility()


def test_the_grid_starts_from_the_rigid_start(
    host: BareSlicer, result: ResultNodes, registered: Registered, patient: Patient
) -> None:
    """A bone at the rigid start is drawn where SimpleITK moves it to, although CT and MR lie far apart."""
    nodes = host.scene.GetNumberOfNodes()
    show_grid(result)
    show_grid(result)
    displays = [d for d in scene_nodes(host.scene, "vtkMRMLTransformDisplayNode") if d.GetVisibility2D()]
    (display,) = [d for d in displays if d.GetVisibility()]
    assert display.GetVisualizationMode() == display.VIS_MODE_GRID
    drawn = vtk.vtkGeneralTransform()
    display.GetDisplayableNode().GetTransformToWorld(drawn)
    start = np.array(json.loads((registered.results / "run.json").read_text())["start"]["ct_to_mr_lps"])
    ct_to_mr = sitk.ReadTransform(str(registered.results / "ct_to_mr.h5"))
    labels = patient.phantom.case.vertebrae
    voxels = np.argwhere(sitk.GetArrayViewFromImage(labels) == 23)[::200, ::-1]
    parent = LPS @ CT_PARENT @ LPS
    apart = []
    for voxel in voxels.tolist():
        in_ct = parent @ [*labels.TransformIndexToPhysicalPoint(voxel), 1.0]
        at_start, expected = start @ in_ct, np.array(ct_to_mr.TransformPoint(in_ct[:3].tolist()))
        found = np.array(drawn.TransformPoint((LPS @ at_start)[:3])) * (-1, -1, 1)
        assert np.linalg.norm(found - expected) < 0.1
        apart.append((np.linalg.norm(expected - in_ct[:3]), np.linalg.norm(expected - at_start[:3])))
    moved, changed = np.mean(apart, axis=0)
    assert moved > 3 * changed
    show_grid(result, False)
    assert host.scene.GetNumberOfNodes() == nodes
