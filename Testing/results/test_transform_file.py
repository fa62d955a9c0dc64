"""SimpleITK and the MRML scene read what was written: a small file with the same bytes each time."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.transforms import Displacement, Part
from spine_ctmr.results.transform_file import write_composite

SIZE = 60


def parts(seed: int) -> list[Part]:
    """A rigid motion and a smooth displacement of a few mm in units of 1/256 mm, as registrations have."""
    places = np.stack(np.meshgrid(*[np.linspace(0, 4, SIZE)] * 3, indexing="ij"), -1)
    field = np.round(np.sin(places @ np.random.default_rng(seed).normal(size=(3, 3))) * 3 * 256) / 256
    grid = Grid((SIZE,) * 3, (1.0, 1.5, 2.0), (-20.0, 5.0, 7.5))
    rigid = sitk.Euler3DTransform((1.0, 2.0, 3.0), 0.1, 0.2, 0.3, (4.0, -5.0, 6.0))
    return [rigid, Displacement(field, grid)]


def composite(seed: int) -> sitk.CompositeTransform:
    """The same as SimpleITK makes it."""
    rigid, displacement = parts(seed)
    image = sitk.GetImageFromArray(displacement.field, isVector=True)
    image.SetOrigin(displacement.grid.origin_mm)
    image.SetSpacing(displacement.grid.spacing_mm)
    return sitk.CompositeTransform([rigid, sitk.DisplacementFieldTransform(image)])


def points() -> list[list[float]]:
    low, high = (-15, 10, 12), (30, 80, 110)
    return np.random.default_rng(2).uniform(low, high, (200, 3)).tolist()


def test_simpleitk_reads_the_same_transform(tmp_path: Path) -> None:
    written = composite(1)
    write_composite(parts(1), tmp_path / "a.h5")
    read = sitk.ReadTransform(str(tmp_path / "a.h5"))
    for point in points():
        np.testing.assert_allclose(read.TransformPoint(point), written.TransformPoint(point), atol=2e-6)


def test_every_node_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The displacement fills two chunks of the file and part of a third."""
    write_composite(parts(1), tmp_path / "a.h5")
    read = sitk.CompositeTransform(sitk.ReadTransform(str(tmp_path / "a.h5")))
    field = sitk.DisplacementFieldTransform(read.GetNthTransform(1)).GetDisplacementField()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(field), parts(1)[1].field)


def test_the_scene_reads_it_as_it_reads_the_file_of_itk(tmp_path: Path) -> None:
    """VTK interpolates a grid a little differently (here by up to 0.003 mm)."""
    written = composite(1)
    write_composite(parts(1), tmp_path / "a.h5")
    sitk.WriteTransform(written, str(tmp_path / "itk.h5"))
    ours, theirs = (_moved_in_scene(tmp_path / name) for name in ("a.h5", "itk.h5"))
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    np.testing.assert_allclose(ours, [written.TransformPoint(p) for p in points()], atol=0.01)


def _moved_in_scene(path: Path) -> np.ndarray:
    """The points (n, 3) in LPS mm moved by the transform that a real MRML scene reads, from parent."""
    import slicer

    scene, node = slicer.vtkMRMLScene(), slicer.vtkMRMLTransformNode()
    storage = slicer.vtkMRMLTransformStorageNode()
    scene.AddNode(node)
    scene.AddNode(storage)
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    ras, move = np.array([-1, -1, 1]), node.GetTransformFromParent()
    return np.array([ras * move.TransformPoint((ras * p).tolist()) for p in np.array(points())])


def test_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        write_composite(parts(0), tmp_path / name)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_file_is_a_fraction_of_the_size_of_itk(tmp_path: Path) -> None:
    write_composite(parts(0), tmp_path / "small.h5")
    sitk.WriteTransform(composite(0), str(tmp_path / "large.h5"))
    assert (tmp_path / "small.h5").stat().st_size < 0.25 * (tmp_path / "large.h5").stat().st_size
