"""What cannot be exported is refused in one sentence, and nothing is invented or left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.lost_slices import without_lost_slices
from spine_ctmr.imaging.reading import read_image
from spine_ctmr.planning.export import export
from spine_ctmr.planning.request import ExportRequest
from spine_ctmr.planning.sources import read_source

from .conftest import PATIENT_ID, Patient

Change = Callable[[Dataset], None]


@pytest.fixture
def copy(patient: Patient, tmp_path: Path) -> Patient:
    """The patient in folders that a test may change."""
    folder = tmp_path / "copy"
    shutil.copytree(patient.ct.parent, folder)
    return Patient(folder / "ct", folder / "mr", folder / "labels.nrrd", folder / "result")


def _edit(folder: Path, change: Change, only_first: bool = False) -> None:
    for path in sorted(folder.iterdir())[: 1 if only_first else None]:
        data = pydicom.dcmread(path)
        change(data)
        data.save_as(path)


def _refused(patient: Patient, output: Path, *words: str, **more: object) -> None:
    output.mkdir()
    with pytest.raises(InputError) as error:
        export(ExportRequest(patient.result, patient.ct, patient.mr, **more), output)
    sentence = str(error.value)
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert "Müller" not in sentence
    assert PATIENT_ID not in sentence
    assert not list(output.rglob("*.dcm"))


@pytest.mark.parametrize("name", ["FrameOfReferenceUID", "StudyInstanceUID", "PatientID", "SOPInstanceUID"])
@pytest.mark.parametrize("which", ["ct", "mr"])
def test_identifiers_are_never_invented(copy: Patient, tmp_path: Path, name: str, which: str) -> None:
    _edit(getattr(copy, which), lambda data: delattr(data, name))
    _refused(copy, tmp_path / "out", which.upper(), f"lacks {name}", "cannot be invented")


def test_empty_identifiers_are_missing(copy: Patient, tmp_path: Path) -> None:
    _edit(copy.ct, lambda data: setattr(data, "FrameOfReferenceUID", ""))
    _refused(copy, tmp_path / "out", "lacks FrameOfReferenceUID")


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_identifiers_must_be_valid(copy: Patient, tmp_path: Path) -> None:
    _edit(copy.mr, lambda data: setattr(data, "StudyInstanceUID", "anonymous"))
    _refused(copy, tmp_path / "out", "MR", "invalid StudyInstanceUID")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PatientID", "other"), ("FrameOfReferenceUID", "1.2.3.4"), ("StudyInstanceUID", "1.2.3.5")],
)
def test_mixed_slices(copy: Patient, tmp_path: Path, name: str, value: str) -> None:
    _edit(copy.mr, lambda data: setattr(data, name, value), only_first=True)
    _refused(copy, tmp_path / "out", "MR", "mixes slices", name)


def test_doubled_instance_identifiers(copy: Patient, tmp_path: Path) -> None:
    _edit(copy.ct, lambda data: setattr(data, "SOPInstanceUID", "1.2.3"))
    _refused(copy, tmp_path / "out", "CT", "same SOPInstanceUID")


@pytest.mark.parametrize("name", ["PatientID", "PatientBirthDate", "PatientSex"])
def test_two_patients(copy: Patient, tmp_path: Path, name: str) -> None:
    values = {"PatientID": "other", "PatientBirthDate": "19991231", "PatientSex": "F"}
    _edit(copy.mr, lambda data: setattr(data, name, values[name]))
    _refused(copy, tmp_path / "out", "different patients", name)


def test_a_slice_that_the_registration_filled_is_filled_here_too(copy: Patient, tmp_path: Path) -> None:
    """The result of an MR that lost a slice, exported with that MR."""
    middle = sorted(copy.mr.iterdir())[len(list(copy.mr.iterdir())) // 2]
    data = pydicom.dcmread(middle)
    data.PixelData = bytes(len(data.PixelData))
    data.save_as(middle)
    filled, warnings = without_lost_slices(read_image(copy.mr), "the MR")
    assert len(warnings) == 1
    stored = copy.result / "mr_in_ct.nrrd"
    to_mr = sitk.ReadTransform(str(copy.result / "ct_to_mr.h5"))
    warped = sitk.Resample(filled, sitk.ReadImage(stored), to_mr, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    sitk.WriteImage(warped, stored)
    output = tmp_path / "out"
    output.mkdir()
    told = export(ExportRequest(copy.result, copy.ct, copy.mr), output)
    assert sum("no signal and was filled" in sentence for sentence in told) == 1


def test_exchanged_series(copy: Patient, tmp_path: Path) -> None:
    swapped = Patient(copy.mr, copy.ct, copy.labels, copy.result)
    _refused(swapped, tmp_path / "out", "CT", "modality is MR")


def test_a_folder_without_dicom(tmp_path: Path) -> None:
    """No image file is offered, for none is taken."""
    with pytest.raises(InputError, match=r"holds no DICOM images; give the folder of one series\.$"):
        read_source(tmp_path, "CT")


def test_multi_frame_file(copy: Patient, tmp_path: Path) -> None:
    for path in sorted(copy.mr.iterdir())[1:]:
        path.unlink()
    _edit(copy.mr, lambda data: setattr(data, "NumberOfFrames", 12))
    _refused(copy, tmp_path / "out", "MR", "one file per slice")


def test_series_at_another_place(copy: Patient, tmp_path: Path) -> None:
    def shift(data: Dataset) -> None:
        x, y, z = data.ImagePositionPatient
        data.ImagePositionPatient = [x + 1, y, z]

    _edit(copy.ct, shift)
    _refused(copy, tmp_path / "out", "not made from the CT", "lie elsewhere")


def test_series_with_other_voxels(copy: Patient, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def replace(data: Dataset) -> None:
        data.PixelData = rng.integers(0, 2000, (data.Rows, data.Columns)).astype("<u2").tobytes()

    _edit(copy.mr, replace)
    _refused(copy, tmp_path / "out", "not made from the MR", "values differ")


@pytest.mark.parametrize("name", ["mr_to_ct.h5", "ct_in_mr.nrrd", "quality.json", "vertebrae/L3.tfm"])
def test_damaged_result(copy: Patient, tmp_path: Path, name: str) -> None:
    (copy.result / name).write_bytes(b"nonsense")
    _refused(copy, tmp_path / "out", name, "damaged")


def test_a_transform_of_another_kind(copy: Patient, tmp_path: Path) -> None:
    sitk.WriteTransform(sitk.Euler3DTransform(), str(copy.result / "ct_to_mr.h5"))
    _refused(copy, tmp_path / "out", "ct_to_mr.h5", "not a rigid motion with a displacement field")


def test_failed_result(copy: Patient, tmp_path: Path) -> None:
    run = json.loads((copy.result / "run.json").read_text())
    (copy.result / "run.json").write_text(json.dumps({**run, "failure": "All names are one level wrong."}))
    _refused(copy, tmp_path / "out", "failed its own checks", "one level wrong")


def test_result_without_rigid_vertebrae(copy: Patient, tmp_path: Path) -> None:
    run = json.loads((copy.result / "run.json").read_text())
    own = {"origin": "the displacement of a network alone", "bent_mm": {"24": 1.0}}
    (copy.result / "run.json").write_text(json.dumps({**run, "own_field": own}))
    _refused(copy, tmp_path / "out", "no vertebra is rigid")


def test_labels_of_another_registration(copy: Patient, tmp_path: Path) -> None:
    labels = sitk.ReadImage(str(copy.labels))
    labels.SetOrigin(np.add(labels.GetOrigin(), (12.0, 0, 0)).tolist())
    sitk.WriteImage(labels, str(copy.labels))
    _refused(copy, tmp_path / "out", "labels of this result", vertebrae=copy.labels)


def test_labels_without_a_vertebra(copy: Patient, tmp_path: Path) -> None:
    labels = sitk.ReadImage(str(copy.labels))
    sitk.WriteImage(labels * sitk.Cast(labels == 22, sitk.sitkUInt8), str(copy.labels))
    _refused(copy, tmp_path / "out", "no label for L4", vertebrae=copy.labels)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"models": "stl"}, "--vertebrae"),
        ({"models": "obj", "vertebrae": Path("x")}, "obj"),
        ({"grid_spacing_mm": -1.0}, "above 0"),
    ],
)
def test_options(patient: Patient, options: dict, word: str) -> None:
    with pytest.raises(InputError, match=word):
        ExportRequest(patient.result, patient.ct, patient.mr, **options)


@pytest.mark.slow
def test_a_refused_vertebra_is_left_out_and_told(copy: Patient, tmp_path: Path) -> None:
    rows = [{"name": "L3", "number": 22, "flag": "good"}, {"name": "L4", "number": 23, "flag": "do not use"}]
    (copy.result / "quality.json").write_text(json.dumps({"verdict": "Do not use L4.", "vertebrae": rows}))
    output = tmp_path / "out"
    output.mkdir()
    (sentence,) = export(ExportRequest(copy.result, copy.ct, copy.mr, copy.labels), output)
    assert "not to use L4" in sentence
    assert [p.name for p in (output / "registration" / "vertebrae").iterdir()] == ["L3_ct_to_mr.dcm"]
    for name in ("vertebrae_in_mr", "vertebrae_in_ct"):
        segments = pydicom.dcmread(output / f"{name}.dcm").SegmentSequence
        assert [segment.SegmentLabel for segment in segments] == ["L3"]


def _sign(folder: Path, **content: object) -> None:
    (folder / "sign_off.json").write_text(json.dumps({"vertebrae": [], **content}))


@pytest.mark.slow
def test_what_the_reader_rejects_is_left_out_and_told(copy: Patient, tmp_path: Path) -> None:
    _sign(copy.result, vertebrae=[{"vertebra": "L3", "decision": "reject", "remark": "2 mm too high"}])
    output = tmp_path / "out"
    output.mkdir()
    rejected, unread = export(ExportRequest(copy.result, copy.ct, copy.mr, copy.labels), output)
    assert "reader rejected L3:" in rejected
    assert "No reader has accepted L4;" in unread
    assert [p.name for p in (output / "registration" / "vertebrae").iterdir()] == ["L4_ct_to_mr.dcm"]
    assert list(json.loads((output / "run.json").read_text())["vertebrae"]) == ["L4"]


def test_the_pose_of_another_patient_ends_the_export(copy: Patient, tmp_path: Path) -> None:
    poses = copy.result / "vertebrae"
    (poses / "L3.tfm").write_bytes((poses / "L4.tfm").read_bytes())
    with pytest.raises(InputError, match=r"L3\.tfm is not how the transforms of this result move L3"):
        export(ExportRequest(copy.result, copy.ct, copy.mr), tmp_path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (
            {"vertebrae": [{"vertebra": n, "decision": "reject"} for n in ("L3", "L4")]},
            "reader refuses every",
        ),
        ({"result": "0" * 64}, "another registration"),
        ({"vertebrae": [{"vertebra": "T1", "decision": "accept"}]}, "names T1"),
    ],
)
def test_sign_offs_that_end_the_export(copy: Patient, tmp_path: Path, content: dict, word: str) -> None:
    _sign(copy.result, **content)
    with pytest.raises(InputError, match=word):
        export(ExportRequest(copy.result, copy.ct, copy.mr), tmp_path)


@pytest.mark.slow
def test_one_frame_of_reference_for_both_is_told_and_unambiguous(copy: Patient, tmp_path: Path) -> None:
    _edit(copy.ct, lambda data: setattr(data, "FrameOfReferenceUID", "1.2.3"))
    _edit(copy.mr, lambda data: setattr(data, "FrameOfReferenceUID", "1.2.3"))
    output = tmp_path / "out"
    output.mkdir()
    (sentence,) = export(ExportRequest(copy.result, copy.ct, copy.mr), output)
    assert "same Frame of Reference" in sentence
    data = pydicom.dcmread(output / "registration" / "rigid_ct_to_mr.dcm")
    assert all("FrameOfReferenceUID" not in item for item in data.RegistrationSequence)
    counts = [len(item.ReferencedImageSequence) for item in data.RegistrationSequence]
    assert counts == [len(list(copy.mr.iterdir())), len(list(copy.ct.iterdir()))]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The value length")
def test_texts_that_break_the_standard_stay_empty(copy: Patient, tmp_path: Path) -> None:
    _edit(copy.mr, lambda data: setattr(data, "StudyID", "longer than sixteen characters"))
    output = tmp_path / "out"
    output.mkdir()
    (sentence,) = export(ExportRequest(copy.result, copy.ct, copy.mr), output)
    assert "StudyID" in sentence
    assert "longer" not in sentence
    assert not pydicom.dcmread(output / "ct_in_mr" / "0001.dcm").StudyID
    assert pydicom.dcmread(output / "mr_in_ct" / "0001.dcm").StudyID == "S1"


@pytest.mark.slow
def test_files_whose_axes_a_converter_flipped_are_the_same_voxels(copy: Patient, tmp_path: Path) -> None:
    for name in ("ct_in_mr", "mr_in_ct", "vertebrae_in_mr"):
        path = str(copy.result / f"{name}.nrrd")
        sitk.WriteImage(sitk.PermuteAxes(sitk.ReadImage(path)[:, ::-1, :], [2, 0, 1]), path)
    outputs = [tmp_path / "flipped", tmp_path / "plain"]
    for output, result in zip(outputs, (copy.result, copy.result), strict=True):
        output.mkdir()
        export(ExportRequest(result, copy.ct, copy.mr), output)
        for name in ("ct_in_mr", "mr_in_ct", "vertebrae_in_mr"):
            path = str(copy.result / f"{name}.nrrd")
            sitk.WriteImage(sitk.PermuteAxes(sitk.ReadImage(path), [1, 2, 0])[:, ::-1, :], path)
    for name in ("ct_in_mr/0004.dcm", "mr_in_ct/0009.dcm"):
        first, second = (pydicom.dcmread(output / name).PixelData for output in outputs)
        assert first == second
