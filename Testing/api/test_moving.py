"""Points, models and labels of the CT are moved as an analytic motion says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import spine_ctmr
import vtk
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.results.registered import Registered
from vtk.util.numpy_support import vtk_to_numpy

TISSUE = spine_ctmr.Pose.from_rotation((0.1, -0.05, 0.2), (12.0, -7.0, 30.0))
BONE = spine_ctmr.Pose.from_rotation((0.0, 0.3, 0.0), (11.0, -6.0, 28.0))


def mr_grid() -> Grid:
    image = sitk.Image(100, 88, 80, sitk.sitkUInt8)
    image.SetSpacing((0.75, 0.6, 1.0))
    image.SetOrigin((-20.0, -30.0, 5.0))
    return Grid.of(image)


class Moved(Registered):
    """Everything moves rigidly, L3 otherwise than the rest."""

    mr_to_ct, ct_to_mr = TISSUE.inverse.to_sitk(), TISSUE.to_sitk()
    poses = {"L3": BONE, "L4": TISSUE}  # noqa: RUF012
    vertebrae_in_mr = mr_grid().empty()
    quality = failure = notes = ct_in_mr = mr_in_ct = jacobian = measured = None


POINTS = np.random.default_rng(0).uniform(-30, 30, (20, 3))


@pytest.mark.parametrize(("vertebra", "motion"), [(None, TISSUE), ("L3", BONE)])
def test_points_and_models_go_the_same_way(vertebra: str | None, motion: spine_ctmr.Pose) -> None:
    np.testing.assert_allclose(spine_ctmr.move_points(Moved(), POINTS, vertebra), motion.apply(POINTS))
    source = vtk.vtkSphereSource()
    source.SetRadius(8)
    source.Update()
    model = source.GetOutput()
    before = vtk_to_numpy(model.GetPoints().GetData()).copy()
    moved = spine_ctmr.move_model(Moved(), model, vertebra)
    found = vtk_to_numpy(moved.GetPoints().GetData())
    np.testing.assert_allclose(found, motion.apply(before), atol=1e-4)
    np.testing.assert_array_equal(vtk_to_numpy(model.GetPoints().GetData()), before)
    assert model.GetPointData().GetNormals() is not None
    assert moved.GetPointData().GetNormals() is None
    assert (moved.GetNumberOfCells(), moved.GetClassName()) == (model.GetNumberOfCells(), "vtkPolyData")


@pytest.mark.parametrize(("vertebra", "motion"), [(None, TISSUE), ("L3", BONE)])
def test_labels_go_where_the_points_in_them_do(vertebra: str | None, motion: spine_ctmr.Pose) -> None:
    array = np.zeros((20, 30, 30), np.uint16)
    array[5:15, 8:20, 10:22] = 700
    labels = sitk.GetImageFromArray(array)
    labels.SetSpacing((1.0, 1.0, 1.5))
    labels.SetOrigin((-15.0, -15.0, -15.0))
    moved = spine_ctmr.move_labels(Moved(), labels, vertebra)
    assert Grid.of(moved).same_as(mr_grid())
    assert moved.GetPixelID() == sitk.sitkUInt16
    found = sitk.GetArrayFromImage(moved)
    assert set(np.unique(found)) == {0, 700}
    centre = mr_grid().to_points(np.argwhere(found == 700)[:, ::-1]).mean(0)
    original = Grid.of(labels).to_points(np.argwhere(array == 700)[:, ::-1]).mean(0)
    np.testing.assert_allclose(centre, motion.apply(original), atol=0.25)
    assert np.sum(found == 700) * 0.75 * 0.6 * 1.0 == pytest.approx(np.sum(array == 700) * 1.5, rel=0.05)


def test_what_cannot_be_moved_is_told() -> None:
    with pytest.raises(InputError, match=r"^The vertebra 'T9' was not registered; choose one of L3, L4\.$"):
        spine_ctmr.move_points(Moved(), POINTS, "T9")
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        spine_ctmr.move_points(Moved(), (1, 2, 3))
    with pytest.raises(InputError, match="not whole numbers"):
        spine_ctmr.move_labels(Moved(), sitk.Image(3, 3, 3, sitk.sitkFloat32))


@pytest.mark.parametrize("points", [[(1, 2, 3), (1, 2)], "abc", [("a", "b", "c")], [{}], None, 5])
def test_what_are_no_points_is_told(points: Any) -> None:
    with pytest.raises(InputError, match=r"^The points .* LPS mm"):
        spine_ctmr.move_points(Moved(), points)


@pytest.mark.parametrize(
    "labels",
    [
        sitk.Image((3, 3, 3), sitk.sitkVectorUInt8, 2),
        sitk.Image((3, 3, 3), sitk.sitkComplexFloat32),
        sitk.Image(3, 3, sitk.sitkUInt8),
        "labels.nii.gz",
        np.zeros((3, 3, 3), np.uint8),
    ],
)
def test_what_are_no_labels_is_told(labels: Any) -> None:
    with pytest.raises(InputError, match=r"^The labels are "):
        spine_ctmr.move_labels(Moved(), labels)


def test_what_is_no_model_is_told() -> None:
    path: Any = "model.stl"
    with pytest.raises(InputError, match=r"^The model is a str"):
        spine_ctmr.move_model(Moved(), path)


def test_no_points_stay_no_points() -> None:
    assert spine_ctmr.move_points(Moved(), np.empty((0, 3))).shape == (0, 3)
    assert spine_ctmr.move_model(Moved(), vtk.vtkPolyData()).GetNumberOfPoints() == 0
