"""DICOM registrations, read by independent code, against the transforms as SimpleITK reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from spine_ctmr.planning.export import export
from spine_ctmr.planning.request import ExportRequest

from .conftest import CT_GRID, Patient
from .dicom_reader import Points, registered_to_source, source_to_registered


def _points(image_file: Path, count: int = 3000) -> Points:
    """Random points in the field of view of a stored image and 20 mm around it."""
    image = sitk.ReadImage(str(image_file))
    rng = np.random.default_rng(3)
    margin = 20 / np.array(image.GetSpacing())
    index = rng.uniform(-margin, np.array(image.GetSize()) + margin, (count, 3))
    return np.array([image.TransformContinuousIndexToPhysicalPoint(i) for i in index.tolist()])


def _by_sitk(file: Path, points: Points) -> Points:
    transform = sitk.ReadTransform(str(file))
    return np.array([transform.TransformPoint(p) for p in points.tolist()])


def _uids(folder: Path) -> set[str]:
    return {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["L3", "L4"])
def test_vertebra_matrices_are_the_poses(patient: Patient, exported: Path, name: str) -> None:
    data = pydicom.dcmread(exported / "registration" / "vertebrae" / f"{name}_ct_to_mr.dcm")
    points = _points(patient.result / "mr_in_ct.nrrd")
    truth = _by_sitk(patient.result / "vertebrae" / f"{name}.tfm", points)
    np.testing.assert_allclose(source_to_registered(data, _uids(patient.ct), points), truth, atol=1e-6)
    assert data.ContentLabel == name
    assert f"{name} only" in data.ContentDescription


def test_overall_matrix_is_the_motion_far_from_the_spine(patient: Patient, exported: Path) -> None:
    data = pydicom.dcmread(exported / "registration" / "rigid_ct_to_mr.dcm")
    far = CT_GRID.center_mm + np.random.default_rng(0).uniform(-1, 1, (50, 3)) + [0, 300, 0]
    truth = _by_sitk(patient.result / "ct_to_mr.h5", far)
    np.testing.assert_allclose(source_to_registered(data, _uids(patient.ct), far), truth, atol=1e-6)
    fixed = source_to_registered(data, _uids(patient.mr), far)
    np.testing.assert_array_equal(fixed, far)


@pytest.mark.parametrize(("name", "image"), [("mr_to_ct", "ct_in_mr"), ("ct_to_mr", "mr_in_ct")])
def test_deformation_is_the_composite(patient: Patient, exported: Path, name: str, image: str) -> None:
    data = pydicom.dcmread(exported / "registration" / f"deformable_{name}.dcm")
    points = _points(patient.result / f"{image}.nrrd")
    truth = _by_sitk(patient.result / f"{name}.h5", points)
    assert np.abs(truth - _by_sitk(patient.result / f"{name}.h5", points + 1) + 1).max() > 0.05
    error = np.linalg.norm(registered_to_source(data, points) - truth, axis=1)
    assert error.max() < 0.001


@pytest.mark.parametrize(
    ("file", "registered", "source"),
    [
        ("rigid_ct_to_mr", "mr", "ct"),
        ("vertebrae/L3_ct_to_mr", "mr", "ct"),
        ("deformable_mr_to_ct", "mr", "ct"),
        ("deformable_ct_to_mr", "ct", "mr"),
    ],
)
def test_frames_of_reference(
    patient: Patient, exported: Path, file: str, registered: str, source: str
) -> None:
    data = pydicom.dcmread(exported / "registration" / f"{file}.dcm")
    headers = {s: pydicom.dcmread(next(getattr(patient, s).iterdir())) for s in ("ct", "mr")}
    assert data.FrameOfReferenceUID == headers[registered].FrameOfReferenceUID
    assert data.StudyInstanceUID == headers[registered].StudyInstanceUID
    moving = headers[source].FrameOfReferenceUID
    if "DeformableRegistrationSequence" in data:
        assert data.DeformableRegistrationSequence[0].SourceFrameOfReferenceUID == moving
    else:
        frames = [item.FrameOfReferenceUID for item in data.RegistrationSequence]
        assert frames == [headers[registered].FrameOfReferenceUID, moving]


def test_a_thinner_grid_tells_its_error(patient: Patient, tmp_path: Path) -> None:
    request = ExportRequest(patient.result, patient.ct, patient.mr, grid_spacing_mm=5.0)
    warnings = export(request, tmp_path)
    data = pydicom.dcmread(tmp_path / "registration" / "deformable_mr_to_ct.dcm")
    field = sitk.CompositeTransform(sitk.ReadTransform(str(patient.result / "mr_to_ct.h5"))).GetNthTransform(
        1
    )
    nodes = sitk.DisplacementFieldTransform(field.Downcast()).GetDisplacementField()
    points = np.array(
        [nodes.TransformIndexToPhysicalPoint([int(i) for i in k]) for k in np.ndindex(nodes.GetSize())]
    )
    error = np.linalg.norm(
        registered_to_source(data, points) - _by_sitk(patient.result / "mr_to_ct.h5", points), axis=1
    )
    assert error.max() > 0.05
    assert f"off by {error.max():.2f} mm at most ({error.mean():.3f} mm" in " ".join(warnings)
    assert f"{error.max():.2f} mm" in data.ContentDescription
