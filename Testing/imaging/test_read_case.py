import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.read_case import read_case


@pytest.fixture
def files(patient, tmp_path):
    paths = {k: tmp_path / f"{k}.nii.gz" for k in ("ct", "mr", "labels")}
    for key, path in paths.items():
        sitk.WriteImage(getattr(patient, key), path)
    paths["points"] = tmp_path / "points.json"
    paths["points"].write_text(json.dumps({str(n): c.tolist() for n, c in patient.centers.items()}))
    return paths


def test_everything_arrives(files, patient):
    case = read_case(files["ct"], files["mr"], files["labels"], files["points"])
    assert case.warnings == ()
    for image, truth in ((case.ct, patient.ct), (case.mr, patient.mr), (case.vertebrae, patient.labels)):
        assert image.GetPixelID() == truth.GetPixelID()
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(truth))
        np.testing.assert_allclose(image.GetOrigin(), truth.GetOrigin(), atol=1e-4)
    assert case.mr_vertebrae is None
    for number, center in patient.centers.items():
        np.testing.assert_allclose(case.mr_centroids[number], center)


def test_mr_labels_do_not_become_centroids(files, patient, tmp_path):
    sitk.WriteImage(patient.labels, tmp_path / "mr_labels.nrrd")
    case = read_case(files["ct"], files["mr"], files["labels"], mr_vertebrae=tmp_path / "mr_labels.nrrd")
    assert case.mr_centroids is None
    assert set(np.unique(sitk.GetArrayFromImage(case.mr_vertebrae))) == {0, 20, 21, 22}


def test_neither_landmarks_nor_mr_labels(files):
    case = read_case(files["ct"], files["mr"], files["labels"])
    assert case.mr_centroids is None
    assert case.mr_vertebrae is None


def test_tiny_vertebra_is_removed_and_said_once(files, patient):
    array = sitk.GetArrayFromImage(patient.labels)
    array[array == 22] = 0
    array[5, 14, 14] = 22
    labels = sitk.GetImageFromArray(array)
    labels.CopyInformation(patient.labels)
    sitk.WriteImage(labels, files["labels"])
    case = read_case(files["ct"], files["mr"], files["labels"], files["points"])
    assert set(np.unique(sitk.GetArrayFromImage(case.vertebrae))) == {0, 20, 21}
    assert [("L3 left out" in w) for w in case.warnings] == [True]


def test_the_same_file_twice(files):
    with pytest.raises(InputError, match="given twice"):
        read_case(files["ct"], files["ct"], files["labels"])
    with pytest.raises(InputError, match="given twice"):
        read_case(files["ct"], files["mr"], files["labels"], mr_vertebrae=files["labels"])


def test_errors_name_the_file(files):
    with pytest.raises(InputError, match="swapped") as error:
        read_case(files["mr"], files["ct"], files["labels"])
    assert str(files["mr"]) in str(error.value)


def test_warnings_of_all_readers_are_gathered(files, patient):
    files["points"].write_text(
        json.dumps({"tumour": [0, 0, 0], **{str(n): c.tolist() for n, c in patient.centers.items()}})
    )
    case = read_case(files["ct"], files["mr"], files["labels"], files["points"])
    assert len(case.warnings) == 1
    assert "tumour" in case.warnings[0]
    assert case.warnings[0].startswith("The MR landmark list")
    assert str(files["points"].parent) not in case.warnings[0]


def test_a_file_named_like_a_word_leaves_the_sentence_alone(files, patient, monkeypatch):
    """Folders 'CT' and 'T1' are usual in DICOM exports."""
    monkeypatch.chdir(files["points"].parent)
    points = {"tumour": [0, 0, 0], **{str(n): c.tolist() for n, c in patient.centers.items()}}
    Path("not").write_text(json.dumps(points))

    case = read_case(files["ct"], files["mr"], files["labels"], Path("not"))

    assert case.warnings == ('The MR landmark list: "tumour" not recognised as vertebrae and ignored.',)


def test_real_pair(real_data, tmp_path):
    folder = real_data / "STS_007"
    centroids = json.loads((folder / "centroids.json").read_text())
    points = tmp_path / "points.json"
    points.write_text(json.dumps({v["name"]: v["mr_lps"] for v in centroids.values()}))
    case = read_case(
        folder / "dicom" / "CT",
        folder / "mr.nii.gz",
        folder / "ct_labels.nii.gz",
        points,
        folder / "mr_bodies.nii.gz",
    )
    assert case.ct.GetSize() == (249, 215, 70)
    assert case.mr_centroids.keys() == {23, 24, 26}
    assert any("cut by the field of view" in w and "L4" in w for w in case.warnings)
    assert all("cut by the field of view" in w for w in case.warnings)
    assert all("/" not in w for w in case.warnings)


def test_real_study_folder_holds_both(real_data):
    folder = real_data / "STS_007"
    case = read_case(folder / "dicom", folder / "dicom", folder / "ct_labels.nii.gz")
    assert case.ct.GetSize()[2] == 70
    assert case.mr.GetSize()[2] == 69
    assert "(CT, 70 slices)" in case.about["ct_series"]
    assert "(MR, 69 slices)" in case.about["mr_series"]


def test_real_pair_swapped(real_data):
    folder = real_data / "STS_007"
    with pytest.raises(InputError, match="swapped"):
        read_case(folder / "mr.nii.gz", folder / "ct.nii.gz", folder / "ct_labels.nii.gz")


def test_oblique_left_handed_ct_of_verse_with_phantom_mr(real_data, tmp_path):
    """The CT has permuted axes; its rendering as an MR on a plain grid fits only by world position."""
    folder = real_data / "verse014"
    ct = sitk.ReadImage(folder / "sub-verse014_ct.nii.gz")
    inverted = sitk.Cast(800 - sitk.Clamp(ct, sitk.sitkFloat32, -200, 800), sitk.sitkInt16)
    mr = sitk.DICOMOrient(inverted, "LPS")
    sitk.WriteImage(mr, tmp_path / "mr.nrrd")
    case = read_case(
        folder / "sub-verse014_ct.nii.gz", tmp_path / "mr.nrrd", folder / "sub-verse014_seg-vert_msk.nii.gz"
    )
    assert set(np.unique(sitk.GetArrayViewFromImage(case.vertebrae))) == {0, 20, 21, 22, 23, 24}
    assert not any("tail to head" in w or "outside" in w for w in case.warnings), case.warnings
