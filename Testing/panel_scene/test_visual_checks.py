"""Slice views without windows: what the layers draw, compared with SimpleITK."""

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
from SpineCTMRRegistrationLib import views
from SpineCTMRRegistrationLib.contours import show_contours
from SpineCTMRRegistrationLib.deformation_grid import show_grid
from SpineCTMRRegistrationLib.fusion import BONE_HU, Fusion
from SpineCTMRRegistrationLib.nodes import scene_nodes
from SpineCTMRRegistrationLib.result_nodes import ResultNodes
from SpineCTMRRegistrationLib.sample_data import SampleNodes
from SpineCTMRRegistrationLib.vertebra_slices import jump_to_vertebra

from .conftest import CT_PARENT, LPS, Patient, Registered


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
    jump_to_vertebra(shown, result, "L4")
    views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.GREY, 0.4)
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
    jump_to_vertebra(shown, result, "L5")
    views.set_foreground_opacity(shown, 0.7)
    views.show_before(shown, nodes.mr, result.ct_in_mr, result.table, Fusion.GREY)
    start = np.array(json.loads((registered.results / "run.json").read_text())["start"]["ct_to_mr_lps"])
    back = np.linalg.inv(start)
    transform = sitk.AffineTransform(back[:3, :3].ravel().tolist(), back[:3, 3].tolist())
    expected = in_ct(slices[1], transform, patient.phantom.case.ct)
    bony = expected > 150
    assert bony.sum() > 500
    assert np.median(np.abs(drawn(slices[1])[bony] - expected[bony])) < 2
    during = host.scene.GetNumberOfNodes()
    views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.GREY)
    assert shown[0].composite.GetForegroundOpacity() == pytest.approx(0.7)
    assert not [n for n in _names(host) if n.endswith("before registration")]
    views.show_before(shown, nodes.mr, result.ct_in_mr, result.table, Fusion.GREY)
    views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.GREY)
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
        views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.GREY)
        places.append(drawn_at())
        views.show_before(shown, nodes.mr, result.ct_in_mr, result.table, Fusion.GREY)
        places.append(drawn_at())
    assert np.allclose(places[0::2], places[0])
    assert np.allclose(places[1::2], places[1])


def test_a_ct_that_was_changed_since_is_not_drawn(
    shown: list[views.SliceView], nodes: SampleNodes, result: ResultNodes
) -> None:
    nodes.ct.SetOrigin(1.0, 2.0, 3.0)
    views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.GREY)
    drawn = nodes.mr.GetScene().GetNodeByID(shown[0].composite.GetForegroundVolumeID())
    assert drawn.GetImageData() is result.ct_in_mr.GetImageData()
    assert drawn.GetParentTransformNode() is None
    with pytest.raises(InputError, match="CT was changed or removed after it was registered; register it"):
        views.show_before(shown, nodes.mr, result.ct_in_mr, result.table, Fusion.GREY)


def _names(host: BareSlicer) -> list[str]:
    return [host.scene.GetNthNode(i).GetName() or "" for i in range(host.scene.GetNumberOfNodes())]


def test_helper_volumes_are_not_saved(
    host: BareSlicer, shown: list[views.SliceView], nodes: SampleNodes, result: ResultNodes, tmp_path: Path
) -> None:
    views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.GREY)
    views.show_before(shown, nodes.mr, result.ct_in_mr, result.table, Fusion.GREY)
    assert host.scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    (tmp_path / "again").mkdir()
    other = BareSlicer(tmp_path / "again")
    assert other.scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    assert not [
        name for name in _names(other) if "before registration" in name or name.endswith(" registered")
    ]


def test_contours_are_cut_from_the_smooth_surfaces(nodes: SampleNodes, result: ResultNodes) -> None:
    moved, source = result.vertebrae_in_mr, nodes.vertebrae
    before = source.GetDisplayNode().GetVisibility2D()
    assert not moved.GetDisplayVisibility()
    show_contours(moved)
    display = moved.GetDisplayNode()
    assert display.GetVisibility2DOutline()
    assert not display.GetVisibility2DFill()
    assert display.GetDisplayRepresentationName2D() == "Closed surface"
    show_contours(moved, False)
    assert not moved.GetDisplayNode().GetVisibility()
    assert source.GetDisplayNode().GetVisibility2D() == before


def test_contours_are_smooth_in_a_loaded_scene_too(result: ResultNodes) -> None:
    result.vertebrae_in_mr.RemoveClosedSurfaceRepresentation()  # as loading does, which reads label maps only
    show_contours(result.vertebrae_in_mr)
    assert result.vertebrae_in_mr.GetDisplayNode().GetDisplayRepresentationName2D() == "Closed surface"


def test_bone_in_colour_leaves_the_mr_free_elsewhere(
    shown: list[views.SliceView], nodes: SampleNodes, result: ResultNodes
) -> None:
    views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.BONE)
    display = nodes.mr.GetScene().GetNodeByID(shown[0].composite.GetForegroundVolumeID()).GetDisplayNode()
    assert display.GetApplyThreshold()
    assert display.GetLowerThreshold() == BONE_HU
    low, high = [0.0] * 4, [0.0] * 4
    display.GetColorNode().GetColor(0, low)
    display.GetColorNode().GetColor(255, high)
    assert low[0] > 3 * low[2]  # red more than blue: warm
    assert sum(high[:3]) > sum(low[:3])
    ct = nodes.ct.GetDisplayNode()
    assert not ct.GetApplyThreshold()
    assert ct.GetColorNode() is not display.GetColorNode()
    views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.GREY)
    assert not display.GetApplyThreshold()
    assert display.GetColorNode() is ct.GetColorNode()


@pytest.mark.parametrize("before", [False, True])
def test_the_checkerboard_shows_the_ct_in_every_other_box(
    shown: list[views.SliceView],
    nodes: SampleNodes,
    result: ResultNodes,
    registered: Registered,
    patient: Patient,
    before: bool,
) -> None:
    """Against SimpleITK resampling the CT at voxels of the MR, where the checkerboard is not empty."""
    if before:
        start = np.array(json.loads((registered.results / "run.json").read_text())["start"]["ct_to_mr_lps"])
        back = np.linalg.inv(start)
        transform = sitk.AffineTransform(back[:3, :3].ravel().tolist(), back[:3, 3].tolist())
        views.show_before(shown, nodes.mr, result.ct_in_mr, result.table, Fusion.CHECKERBOARD)
        assert views.before_is_shown(shown, result.table)
    else:
        transform = sitk.ReadTransform(str(registered.results / "mr_to_ct.h5"))
        views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.CHECKERBOARD)
    node = nodes.mr.GetScene().GetNodeByID(shown[0].composite.GetForegroundVolumeID())
    voxels = slicer.util.arrayFromVolume(node)
    drawn = voxels > -10_000
    assert 0.3 < drawn.mean() < 0.7
    assert node.GetDisplayNode().GetApplyThreshold()
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    to_lps = LPS @ slicer.util.arrayFromVTKMatrix(matrix)
    unplaced, ct = np.linalg.inv(LPS @ CT_PARENT @ LPS), patient.phantom.case.ct
    errors = []
    for k, j, i in np.random.default_rng(5).permutation(np.argwhere(drawn))[:400].tolist():
        placed = np.array([*transform.TransformPoint((to_lps @ [i, j, k, 1])[:3].tolist()), 1.0])
        index = ct.TransformPhysicalPointToContinuousIndex((unplaced @ placed)[:3].tolist())
        if all(1 <= c <= n - 2 for c, n in zip(index, ct.GetSize(), strict=True)):
            errors.append(ct.EvaluateAtContinuousIndex(index, sitk.sitkLinear) - voxels[k, j, i])
    assert len(errors) > 100
    assert np.percentile(np.abs(errors), 90) < 2


def test_the_heatmap_has_a_legend_only_while_it_is_shown(
    shown: list[views.SliceView], nodes: SampleNodes, result: ResultNodes
) -> None:
    views.show_heatmap(shown, nodes.mr, result.jacobian)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(result.jacobian)
    assert legend.GetVisibility()
    width, height = legend.GetSize()
    assert width * height < 1 / 20  # of a view
    assert shown[0].composite.GetForegroundVolumeID() == result.jacobian.GetID()
    views.show_fused(shown, nodes.mr, result.ct_in_mr, Fusion.GREY)
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
    mr_to_ct = sitk.ReadTransform(str(registered.results / "mr_to_ct.h5"))
    labels = patient.phantom.case.vertebrae
    voxels = np.argwhere(sitk.GetArrayViewFromImage(labels) == 23)[::200, ::-1]
    parent = LPS @ CT_PARENT @ LPS
    apart = []
    for voxel in voxels.tolist():
        in_ct = parent @ [*labels.TransformIndexToPhysicalPoint(voxel), 1.0]
        at_start = start @ in_ct
        found = np.array(drawn.TransformPoint((LPS @ at_start)[:3])) * (-1, -1, 1)
        assert np.linalg.norm(np.array(mr_to_ct.TransformPoint(found.tolist())) - in_ct[:3]) < 0.1
        apart.append((np.linalg.norm(found - in_ct[:3]), np.linalg.norm(found - at_start[:3])))
    moved, changed = np.mean(apart, axis=0)
    assert moved > 3 * changed
    show_grid(result, False)
    assert host.scene.GetNumberOfNodes() == nodes
