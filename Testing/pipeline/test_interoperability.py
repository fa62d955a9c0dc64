"""The lines of docs/interoperability.md, run as they stand there and compared with what SimpleITK says."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from .conftest import Registered

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interoperability.md"
POINT = (1.2, -0.3, -40.3)
"""LPS mm; the point that the page's lines use."""
pytestmark = pytest.mark.slow


def blocks(heading: str) -> list[str]:
    """The blocks of Python below a heading."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (section,) = (text for text in sections if text.startswith(f"{heading}\n"))
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def ran(
    block: str,
    *wanted: str,
    python: str = sys.executable,
    before: str = "",
    needed: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """The values of expressions after a block has run in a process of its own, as for its user.

    ITK's libraries, of which SimpleITK, h5py and itk bring one each, do not all get on in one process. The
    packages that are needed are those that the block imports, unless given.
    """
    packages = re.findall(r"^import (\w+)", block, re.MULTILINE) if needed is None else needed
    if python == sys.executable:
        for package in packages:
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"{package} is not installed")
    kept = ", ".join(f"{expression!r}: numpy.asarray({expression})" for expression in wanted)
    script = f"{before}\n{block}\nimport numpy\nnumpy.savez('kept.npz', **{{{kept}}})\n"
    subprocess.run([python, "-c", script], check=True, timeout=600)
    with np.load("kept.npz") as values:
        return dict(values)


@pytest.fixture
def here(registered: Registered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the images as NIfTI and the result."""
    case = registered.phantom.case
    for name, image in (("ct", case.ct), ("mr", case.mr)):
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    (tmp_path / "result").symlink_to(registered.output)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def transform(name: str) -> sitk.Transform:
    return sitk.ReadTransform(f"result/{name}")


def ours() -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage("result/ct_in_mr.nrrd")).astype(float)


def same_picture(other: np.ndarray) -> None:
    """All but a few voxels at the border of the CT within a few HU of what we have written."""
    assert np.mean(np.abs(other - ours()) < 3.0) > 0.99


def test_simpleitk(here: Path) -> None:
    (block,) = blocks("SimpleITK")
    found = ran(block, "sitk.GetArrayFromImage(ct_in_mr)", "point_in_mr", "screw_in_mr")
    picture, point, screw = found.values()
    same_picture(picture)
    np.testing.assert_allclose(transform("mr_to_ct.h5").TransformPoint(point), POINT, atol=0.2)
    np.testing.assert_allclose(
        transform("vertebrae/L4.tfm").GetInverse().TransformPoint(screw), POINT, atol=1e-6
    )


def test_nibabel(here: Path) -> None:
    block, matrix = blocks("nibabel")
    place_in_mr, voxel_of_ct = ran(block, "place_in_mr", "voxel_of_ct").values()
    mr, ct = sitk.ReadImage("mr.nii.gz"), sitk.ReadImage("ct.nii.gz")
    place = mr.TransformIndexToPhysicalPoint((60, 70, 25))
    expected = ct.TransformPhysicalPointToContinuousIndex(transform("mr_to_ct.h5").TransformPoint(place))
    np.testing.assert_allclose(voxel_of_ct, expected, atol=1e-3)
    np.testing.assert_allclose(place_in_mr, np.array(place) * (-1, -1, 1), atol=1e-3)
    (l4_ras,) = ran(matrix, "l4_ras").values()
    moved = l4_ras @ (-POINT[0], -POINT[1], POINT[2], 1)
    expected = transform("vertebrae/L4.tfm").TransformPoint(POINT)
    np.testing.assert_allclose(moved[:3] * (-1, -1, 1), expected, atol=1e-4)


def test_itk(here: Path) -> None:
    block = blocks("ITK and itk-elastix")[0]
    picture, point = ran(block, "itk.array_from_image(ct_in_mr)", "tuple(point_in_ct)").values()
    same_picture(picture)
    np.testing.assert_allclose(point, transform("mr_to_ct.h5").TransformPoint(POINT), atol=1e-3)


def test_elastix_starts_where_we_ended(here: Path) -> None:
    block = blocks("ITK and itk-elastix")[1]
    (after,) = ran(block, "itk.array_from_image(ct_after)").values()
    before = sitk.GetArrayFromImage(sitk.Resample(sitk.ReadImage("ct.nii.gz"), sitk.ReadImage("mr.nii.gz")))
    inside = ours() > -500
    errors = [np.abs(np.asarray(other, float) - ours())[inside].mean() for other in (after, before)]
    assert errors[0] < 0.5 * errors[1]


def test_ants(here: Path) -> None:
    """$SPINE_CTMR_ANTS: the Python of an environment with antspyx, whose numpy is another."""
    (block,) = blocks("ANTsPy")
    python = os.environ.get("SPINE_CTMR_ANTS", sys.executable)
    wanted = ("ct_in_mr.numpy()", "points_in_mr.to_numpy()[0, :3]", "screw_in_mr")
    picture, point, screw = ran(block, *wanted, python=python).values()
    same_picture(np.transpose(picture))
    np.testing.assert_allclose(point, transform("ct_to_mr.h5").TransformPoint(POINT), atol=1e-2)
    np.testing.assert_allclose(screw, transform("vertebrae/L4.tfm").TransformPoint(POINT), atol=1e-3)


HEADLESS = """
import napari, napari.components
napari.Viewer, napari.run = napari.components.ViewerModel, lambda: None
"""
STAND_IN = """
import sys, types
class Viewer:
    def __init__(self):
        self.layers = []
    def add_image(self, data, *, scale, **_):
        corners = numpy.stack([numpy.zeros(3), numpy.array(data.shape) - 1.0]) * scale
        self.layers.append(types.SimpleNamespace(data=data, extent=types.SimpleNamespace(world=corners)))
    add_labels = add_image
import numpy
sys.modules["napari"] = types.SimpleNamespace(Viewer=Viewer, run=lambda: None)
"""


def test_napari(here: Path) -> None:
    """Without a window; where it is not installed, with a viewer that keeps what it is given."""
    before = STAND_IN if importlib.util.find_spec("napari") is None else HEADLESS
    (block,) = blocks("napari")
    layers = [f"viewer.layers[{k}]" for k in range(3)]
    wanted = [f"{layer}.{what}" for layer in layers for what in ("data", "extent.world")]
    values = list(ran(block, "len(viewer.layers)", *wanted, before=before, needed=("SimpleITK",)).values())
    assert values.pop(0) == 3
    for name, data in zip(
        ("mr.nii.gz", "result/ct_in_mr.nrrd", "result/vertebrae_in_mr.nrrd"), values[::2], strict=True
    ):
        np.testing.assert_array_equal(data, sitk.GetArrayFromImage(sitk.ReadImage(name)))
    for extent in values[3::2]:
        np.testing.assert_allclose(extent, values[1])


LOADER = """
import slicer, types
def load(name):
    storage, node = slicer.vtkMRMLTransformStorageNode(), slicer.vtkMRMLTransformNode()
    storage.SetFileName(name)
    assert storage.ReadData(node)
    return node
slicer.util = types.SimpleNamespace(loadTransform=load)
"""
"""slicer-core has no slicer.util, which is part of the application."""


def test_slicer_without_the_panel(here: Path) -> None:
    """Points in bone, where cubic interpolation is off by more than the tolerance."""
    (block,) = blocks("3D Slicer, without the panel")
    labels = sitk.ReadImage("result/vertebrae_in_mr.nrrd")
    voxels = np.argwhere(sitk.GetArrayFromImage(labels))[::7, ::-1] + 0.3
    points = [labels.TransformContinuousIndexToPhysicalPoint(voxel.tolist()) for voxel in voxels]
    np.save("points.npy", points)
    moved = (
        "[[part * sign for part, sign in zip(transform.GetTransformFromParent().TransformPoint(-x, -y, z), "
        "(-1, -1, 1))] for x, y, z in numpy.load('points.npy').tolist()]"
    )
    (theirs,) = ran(block, moved, before=LOADER).values()
    to_ct = transform("mr_to_ct.h5")
    np.testing.assert_allclose(theirs, [to_ct.TransformPoint(point) for point in points], atol=1e-3)
