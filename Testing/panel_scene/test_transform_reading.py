"""The transform of a result is read in steps, exactly as MRML's own reader reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.transforms import Displacement
from spine_ctmr.results.transform_file import write_composite
from SpineCTMRRegistrationLib import transform_reading
from SpineCTMRRegistrationLib.nodes import interpolate_linearly
from SpineCTMRRegistrationLib.transform_reading import transform_steps

SIZE = (9, 7, 5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A composite on an oblique grid."""
    values = np.random.default_rng(3).normal(size=(*SIZE[::-1], 3))
    turned = sitk.VersorTransform((0.1, 0.2, 0.3), 0.4).GetMatrix()
    grid = Grid(SIZE, (1.5, 2.0, 2.5), (11.0, -23.0, 400.0), turned)
    rigid = sitk.Euler3DTransform((10.0, 20.0, 400.0), 0.1, -0.2, 0.3, (5.0, -6.0, 7.0))
    path = tmp_path / "mr_to_ct.h5"
    write_composite([rigid, Displacement(values, grid)], path)
    return path


def read(path: Path) -> tuple[slicer.vtkMRMLTransformNode, int]:
    """The node, and in how many steps."""
    steps, count = transform_steps(path), 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
        count += 1


def test_points_move_as_with_the_reader_of_mrml(file: Path) -> None:
    node, _ = read(file)
    storage, other = slicer.vtkMRMLTransformStorageNode(), slicer.vtkMRMLTransformNode()
    storage.SetFileName(str(file))
    assert storage.ReadData(other)
    interpolate_linearly(other)
    points = np.array([-15.0, 20.0, 405.0]) + np.random.default_rng(4).normal(size=(200, 3)) * 8
    ours, theirs = node.GetTransformFromParent(), other.GetTransformFromParent()
    moved = np.array([ours.TransformPoint(point) for point in points])
    assert np.abs(moved - points).max() > 1
    assert np.allclose(moved, [theirs.TransformPoint(point) for point in points], atol=1e-9)


def test_a_large_field_takes_many_short_steps(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transform_reading, "STEP_VALUES", 100)
    assert read(file)[1] == -(-3 * np.prod(SIZE) // 100)


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_a_damaged_file_is_told(file: Path, damage: str) -> None:
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:2000] if damage == "cut" else b"nothing of the kind")
    with pytest.raises(InputError, match=r"mr_to_ct\.h5 of the results cannot be read; register again"):
        read(file)
