"""Warped images as DICOM series, read back by SimpleITK and pydicom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from spine_ctmr.planning.derived_series import stored_values

from .conftest import PATIENT, PATIENT_ID, Patient

SERIES = [("ct_in_mr", "ct", "mr", -1024.0), ("mr_in_ct", "mr", "ct", 0.0)]


def _read(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def _headers(folder: Path) -> list[Dataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize(("name", "content", "frame", "fill"), SERIES)
def test_voxels_are_the_source_resampled(
    patient: Patient, exported: Path, name: str, content: str, frame: str, fill: float
) -> None:
    ours, grid = _read(exported / name), _read(getattr(patient, frame))
    for of in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(ours, of)(), getattr(grid, of)(), atol=1e-5)
    transform = sitk.ReadTransform(str(patient.result / f"{frame}_to_{content}.h5"))
    source = _read(getattr(patient, content))
    truth = sitk.Resample(source, grid, transform, sitk.sitkLinear, fill, sitk.sitkFloat32)
    difference = sitk.GetArrayFromImage(ours) - sitk.GetArrayFromImage(truth)
    assert np.abs(difference).max() < 0.51
    assert np.ptp(sitk.GetArrayFromImage(ours)) > 500


@pytest.mark.parametrize(("name", "content", "frame", "fill"), SERIES)
def test_belongs_to_the_patient_and_the_study_of_its_frame(
    patient: Patient, exported: Path, name: str, content: str, frame: str, fill: float
) -> None:
    at, of = (_headers(getattr(patient, which))[0] for which in (frame, content))
    for data in _headers(exported / name):
        assert (str(data.PatientName), data.PatientID, data.PatientBirthDate) == (
            PATIENT,
            PATIENT_ID,
            "19600102",
        )
        assert data.StudyInstanceUID == at.StudyInstanceUID
        assert data.FrameOfReferenceUID == at.FrameOfReferenceUID
        assert data.PatientPosition == at.PatientPosition
        assert (data.Modality, data.SOPClassUID) == (of.Modality, of.SOPClassUID)
        assert data.ImageType[:2] == ["DERIVED", "SECONDARY"]
        assert "research use" in data.DerivationDescription
        assert data.ContributingEquipmentSequence[0].Manufacturer == of.Manufacturer
        assert data.Manufacturer != of.Manufacturer


@pytest.mark.parametrize(("name", "content", "frame", "fill"), SERIES)
def test_sources_are_those_that_were_interpolated(
    patient: Patient, exported: Path, name: str, content: str, frame: str, fill: float
) -> None:
    source = _read(getattr(patient, content))
    places = {
        h.SOPInstanceUID: source.TransformPhysicalPointToContinuousIndex(
            [float(v) for v in h.ImagePositionPatient]
        )
        for h in _headers(getattr(patient, content))
    }
    transform = sitk.ReadTransform(str(patient.result / f"{frame}_to_{content}.h5"))
    rng = np.random.default_rng(1)
    for data in _headers(exported / name):
        used = {round(places[item.ReferencedSOPInstanceUID][2]) for item in data.SourceImageSequence}
        row, column = np.reshape([float(v) for v in data.ImageOrientationPatient], (2, 3))
        step_y, step_x = (float(v) for v in data.PixelSpacing)
        for v, u in rng.uniform(0, 1, (40, 2)) * (data.Rows - 1, data.Columns - 1):
            point = (
                np.array([float(p) for p in data.ImagePositionPatient])
                + u * step_x * row
                + v * step_y * column
            )
            k = source.TransformPhysicalPointToContinuousIndex(transform.TransformPoint(point.tolist()))[2]
            needed = {int(np.floor(k)), int(np.ceil(k))} & set(range(source.GetSize()[2]))
            assert needed <= used


def test_identifiers_are_new_and_unique(patient: Patient, exported: Path) -> None:
    old = {
        h[name].value
        for s in (patient.ct, patient.mr)
        for h in _headers(s)
        for name in ("SOPInstanceUID", "SeriesInstanceUID")
    }
    written = [pydicom.dcmread(path) for path in exported.rglob("*.dcm")]
    assert len({data.SOPInstanceUID for data in written}) == len(written)
    assert not old & {data[n].value for data in written for n in ("SOPInstanceUID", "SeriesInstanceUID")}
    assert all(data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID for data in written)


def test_fractions_of_mr_values_survive() -> None:
    values = np.random.default_rng(0).uniform(-3.5, 12.25, (3, 4, 5)).astype(np.float32)
    stored = stored_values(sitk.GetImageFromArray(values), "MR")
    np.testing.assert_allclose(stored.array * stored.slope + stored.intercept, values, atol=2e-4)


def test_low_hounsfield_units_survive() -> None:
    values = np.array([[[-3024, -1024], [0, 3071]]], np.int16)
    stored = stored_values(sitk.GetImageFromArray(values), "CT")
    np.testing.assert_array_equal(stored.array * stored.slope + stored.intercept, values)
