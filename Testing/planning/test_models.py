"""Surface models against solids whose surface is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.planning.models import vertebra_surface, write_model

vtk: Any = pytest.importorskip("vtk", reason="vtk is not installed (extra 'models')")

RADIUS_MM = 14.0
CENTER = np.array([-31.0, 205.0, -612.0])
POSE = Pose.from_rotation([0.4, -0.2, 0.9], [15.0, -80.0, 33.0])
TURN = Pose.from_rotation([0.2, 0.5, -0.3], [0, 0, 0]).rotation
AXES = {
    "plain": np.eye(3),
    "oblique": TURN,
    "left-handed": TURN * [1, -1, 1],
    "permuted": np.eye(3)[[1, 2, 0]],
}


def _ball(axes: NDArray[Any]) -> sitk.Image:
    corners = np.concatenate([CENTER + RADIUS_MM * axes.T, CENTER - RADIUS_MM * axes.T])
    grid = Grid.around(corners, (0.9, 1.1, 1.6), 8.0, axes)
    inside = np.linalg.norm(grid.points() - CENTER, axis=-1) < RADIUS_MM
    return grid.image(np.where(inside, 22, 23).astype(np.uint8))


def _written(axes: NDArray[Any], path: Path) -> Any:
    write_model(vertebra_surface(_ball(axes), 22, POSE), path)
    reader = vtk.vtkSTLReader() if path.suffix == ".stl" else vtk.vtkXMLPolyDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    return reader.GetOutput()


def _points(surface: Any) -> NDArray[Any]:
    from vtk.util.numpy_support import vtk_to_numpy

    return vtk_to_numpy(surface.GetPoints().GetData())


@pytest.mark.parametrize("suffix", ["stl", "vtp"])
@pytest.mark.parametrize("axes", AXES)
def test_a_ball_is_a_ball_where_the_pose_puts_it(axes: str, suffix: str, tmp_path: Path) -> None:
    surface = _written(AXES[axes], tmp_path / f"L3.{suffix}")
    radii = np.linalg.norm(_points(surface) - POSE.apply(CENTER), axis=1)
    assert abs(radii.mean() - RADIUS_MM) < 0.2
    assert np.abs(radii - RADIUS_MM).max() < 0.8
    mass = vtk.vtkMassProperties()
    mass.SetInputData(surface)
    assert mass.GetVolume() == pytest.approx(4 / 3 * np.pi * RADIUS_MM**3, rel=0.03)


@pytest.mark.parametrize("axes", AXES)
def test_it_is_closed_and_faces_outward(axes: str, tmp_path: Path) -> None:
    surface = _written(AXES[axes], tmp_path / "L3.stl")
    edges = vtk.vtkFeatureEdges()
    edges.SetInputData(surface)
    edges.FeatureEdgesOff()
    edges.Update()
    assert edges.GetOutput().GetNumberOfCells() == 0
    points, center = _points(surface).astype(float), POSE.apply(CENTER)
    corners = np.array(
        [
            [surface.GetCell(i).GetPointId(k) for k in range(3)]
            for i in range(0, surface.GetNumberOfCells(), 7)
        ]
    )
    a, b, c = (points[corners[:, k]] for k in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), a - center)
    assert (outward > 0).mean() > 0.99


def test_files_say_their_frame_and_unit(tmp_path: Path) -> None:
    surface = _written(np.eye(3), tmp_path / "L3.vtp")
    data = surface.GetFieldData()
    assert [data.GetAbstractArray(n).GetValue(0) for n in ("SPACE", "UNITS")] == ["LPS", "mm"]
    _written(np.eye(3), tmp_path / "L3.stl")
    header = (tmp_path / "L3.stl").read_bytes()[:80]
    assert b"SPACE=LPS" in header
    assert b"UNITS=mm" in header


@pytest.mark.parametrize("suffix", ["stl", "vtp"])
def test_slicer_reads_them_in_place(suffix: str, tmp_path: Path) -> None:
    core = pytest.importorskip("slicer", reason="slicer-core is not installed (extra 'slicer-test')")
    _written(np.eye(3), tmp_path / f"L3.{suffix}")
    scene = core.vtkMRMLScene()
    node = core.vtkMRMLModelNode()
    scene.AddNode(node)
    storage = core.vtkMRMLModelStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(tmp_path / f"L3.{suffix}"))
    assert storage.ReadData(node)
    ras = POSE.apply(CENTER) * [-1, -1, 1]
    np.testing.assert_allclose(_points(node.GetPolyData()).mean(0), ras, atol=0.5)
