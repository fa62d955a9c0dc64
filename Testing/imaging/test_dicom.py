import os

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.dicom import chosen_series, find_series
from spine_ctmr.imaging.dicom_description import WITHHELD, series_description
from spine_ctmr.imaging.reading import read_image, read_scan
from spine_ctmr.imaging.series_choice import SeriesChoice

ROW, COLUMN = np.array([0.8, 0.6, 0.0]), np.array([0.0, 0.0, -1.0])
NORMAL = np.cross(ROW, COLUMN)


def write_slice(path, pixels, position, series, description="Spine", slope=1, intercept=-1024, modality="CT"):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), series
    data.PatientName, data.PatientID = "Doe^Jane", "123"
    data.SeriesDescription, data.Modality = description, modality
    data.Rows, data.Columns = pixels.shape
    data.PixelSpacing, data.SliceThickness = [0.7, 0.5], 2.0
    data.ImagePositionPatient = [float(f"{v:.6f}") for v in position]
    data.ImageOrientationPatient = [*ROW, *COLUMN]
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.RescaleSlope, data.RescaleIntercept = slope, intercept
    data.PixelData = pixels.astype("<u2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def write_series(folder, offsets=None, name="{:03d}.dcm", seed=0, **kwargs):
    """An oblique series; file order is the reverse of the order in space. Returns stored values."""
    offsets = 2.0 * np.arange(6) if offsets is None else np.asarray(offsets)
    pixels = np.random.default_rng(seed).integers(0, 3000, (len(offsets), 5, 4))
    series = kwargs.pop("series", generate_uid())
    for i, offset in enumerate(offsets):
        position = np.array([10.0, 20.0, 30.0]) + offset * NORMAL
        write_slice(folder / name.format(len(offsets) - i), pixels[i], position, series, **kwargs)
    return pixels


def fails(path, *words):
    with pytest.raises(InputError) as error:
        read_image(path)
    for word in (str(path), *words):
        assert word in str(error.value), error.value
    assert "Doe" not in str(error.value)
    assert "\n" not in str(error.value)


def test_volume_is_in_hu_and_in_place(tmp_path):
    pixels = write_series(tmp_path)
    image = read_image(tmp_path)
    assert image.GetPixelID() == sitk.sitkInt16
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), pixels - 1024)
    np.testing.assert_allclose(image.GetSpacing(), (0.5, 0.7, 2.0), atol=1e-5)
    for x, y, z in ((0, 0, 0), (3, 4, 5), (1, 2, 3)):
        truth = np.array([10, 20, 30]) + x * 0.5 * ROW + y * 0.7 * COLUMN + z * 2.0 * NORMAL
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((x, y, z)), truth, atol=1e-4)


def test_no_patient_data_stays_in_the_image(tmp_path):
    write_series(tmp_path)
    assert read_image(tmp_path).GetMetaDataKeys() == ()


def test_fractional_slope(tmp_path):
    pixels = write_series(tmp_path, slope=0.25, intercept=3)
    np.testing.assert_allclose(sitk.GetArrayFromImage(read_image(tmp_path)), pixels * 0.25 + 3)


def test_slope_that_changes_from_slice_to_slice(tmp_path):
    series, slopes = generate_uid(), [1, 0.5, 0.25, 2.5]
    pixels = np.random.default_rng(2).integers(0, 1000, (4, 5, 4))
    for i, slope in enumerate(slopes):
        write_slice(tmp_path / f"{i}.dcm", pixels[i], 2 * i * NORMAL, series, slope=slope, intercept=0)
    truth = pixels * np.reshape(slopes, (4, 1, 1))
    np.testing.assert_allclose(sitk.GetArrayFromImage(read_image(tmp_path)), truth)


def test_one_series_spread_over_sub_folders_among_other_files(tmp_path):
    series = generate_uid()
    pixels = np.random.default_rng(3).integers(0, 3000, (6, 5, 4))
    for i in range(6):
        folder = tmp_path / ("B" if i % 2 else "A/deep")
        write_slice(folder / f"IM{i}", pixels[i], 2.0 * i * NORMAL, series)
    (tmp_path / "README").write_text("not an image")
    (tmp_path / "A" / "picture.png").write_bytes(b"\x89PNG")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(tmp_path)), pixels - 1024)


def test_several_series_are_listed(tmp_path):
    write_series(tmp_path / "a", description="Spine 1.0 B60s")
    write_series(tmp_path / "b", description="t1_tse_sag", modality="MR", offsets=[0.0, 4, 8])
    fails(
        tmp_path,
        "2 DICOM series",
        '"Spine 1.0 B60s" (CT, 6 slices)',
        '"t1_tse_sag" (MR, 3 slices)',
        "single series",
    )


def study(folder):
    """Two CTs, two MRs and a scout; returns the stored values of one of each."""
    bone = write_series(folder / "1", description="Spine 1.0 B60s", seed=1)
    write_series(folder / "2", description="Spine 1.0 B30s", seed=2)
    write_series(folder / "3", [0, 2, 4], description="Topogram")
    t1 = write_series(folder / "4", description="t1_tse_sag", modality="MR", seed=3, intercept=0)
    write_series(folder / "5", description="t2_tse_sag", modality="MR", seed=4, intercept=0)
    return bone - 1024, t1


@pytest.mark.parametrize(("ct", "mr"), [("b60", "T1"), ("2", "4"), ("Spine 1.0 B60s", "t1_tse_sag")])
def test_a_series_of_a_study_is_chosen(tmp_path, ct, mr):
    bone, t1 = study(tmp_path)
    found = read_scan(tmp_path, SeriesChoice(ct, "CT", "--ct-series"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found.image), bone)
    assert found.description == '"Spine 1.0 B60s" (CT, 6 slices)'
    found = read_scan(tmp_path, SeriesChoice(mr, "MR", "--mr-series"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found.image), t1)


@pytest.mark.parametrize(("wanted", "word"), [("", ""), ("spine", '2 fit "spine"'), ("7", 'none fit "7"')])
def test_a_choice_that_is_not_clear_lists_the_series_by_number(tmp_path, wanted, word):
    study(tmp_path)
    with pytest.raises(InputError, match="5 DICOM series") as error:
        read_scan(tmp_path, SeriesChoice(wanted, "CT", "--ct-series"))
    for part in (word, '2: "Spine 1.0 B60s" (CT, 6 slices); 3: "Topogram"', "choose one with --ct-series"):
        assert part in str(error.value), error.value


def test_the_only_ct_of_a_study_needs_no_choice(tmp_path):
    pixels = write_series(tmp_path / "a", description="CT", seed=1)
    write_series(tmp_path / "b", [0, 2], description="Scout")
    write_series(tmp_path / "c", description="t1", modality="MR")
    found = read_scan(tmp_path, SeriesChoice("", "CT", "--ct-series"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found.image), pixels - 1024)


@pytest.mark.parametrize(
    "description",
    [
        "DOE spine",
        "Spine of Jane",
        "jane_T2_sag",
        "Spine 123",
        "T2 Doé",
        "xMüller-LüdenscheidxT1",
        "T1 12.03.1980",
        "19800312 T1",
        "T1 2026-03-01",
        "AB99120 T2",
    ],
)
def test_a_description_that_may_name_the_patient_is_withheld(description):
    header = Dataset()
    header.PatientName, header.PatientID, header.AccessionNumber = "Doe^Jane", "123", "AB99120"
    header.PatientBirthName = "Muller-Ludenscheid"
    header.SeriesDescription = description
    assert series_description(header) == WITHHELD


@pytest.mark.parametrize("description", ["Spine 1.0 B60s", "t2_tse_sag 4mm", "LWS 512", "Janet doesn't move"])
def test_other_descriptions_are_kept(description):
    header = Dataset()
    header.PatientName, header.PatientID = "Doe^Jane^B", "123"
    header.SeriesDescription = description
    assert series_description(header) == description


def test_the_description_of_a_series_never_names_the_patient(tmp_path):
    write_series(tmp_path, description="Spine of DOE, Jane")
    assert read_scan(tmp_path).description == f'"{WITHHELD}" (CT, 6 slices)'


def test_slices_without_pixel_spacing(tmp_path):
    write_series(tmp_path)
    path = next(tmp_path.iterdir())
    data = pydicom.dcmread(path)
    del data.PixelSpacing
    data.save_as(path)
    fails(tmp_path, "without a pixel spacing")
    data.PixelSpacing = [0.7, 0.6]
    data.save_as(path)
    fails(tmp_path, "different pixel spacing")


def test_objects_that_are_not_images_do_not_count(tmp_path):
    write_series(tmp_path)
    write_series(tmp_path / "seg", modality="SEG", offsets=[0.0])
    assert [s.modality for s in find_series(tmp_path)] == ["CT"]


@pytest.mark.parametrize("wanted", ["", "1", "2"])
def test_slices_of_two_patients_under_one_series_are_refused_at_once(tmp_path, wanted):
    """Also where one of them is chosen: nobody can tell which slices are whose."""
    write_series(tmp_path)
    for path in sorted(tmp_path.iterdir())[3:]:
        data = pydicom.dcmread(path)
        data.PatientID = "124"
        data.save_as(path)
    with pytest.raises(InputError, match="mixes slices with different PatientID; give the folder"):
        chosen_series(tmp_path, SeriesChoice(wanted, "CT", "--ct-series"))


def test_no_series(tmp_path):
    fails(tmp_path, "no DICOM images", "or an image file")


def test_missing_slice(tmp_path):
    write_series(tmp_path, [0, 2, 4, 8, 10, 12])
    fails(tmp_path, "missing or unevenly spaced", "4.00 mm", "2.00 mm")


def test_uneven_slices(tmp_path):
    write_series(tmp_path, [0, 2, 4, 6.5, 8.5, 10.5])
    fails(tmp_path, "unevenly spaced", "2.50 mm")


def test_header_rounding_is_not_uneven(tmp_path):
    write_series(tmp_path, [0, 2.01, 4, 6.01, 8, 9.99])
    assert read_image(tmp_path).GetSize()[2] == 6


def test_doubled_positions(tmp_path):
    write_series(tmp_path, [0, 0, 2, 2, 4, 4])
    fails(tmp_path, "several slices at one position")


def test_gantry_tilt(tmp_path):
    series = generate_uid()
    for i in range(5):
        write_slice(tmp_path / f"{i}.dcm", np.zeros((5, 4)), i * (2 * NORMAL + 0.5 * COLUMN), series)
    fails(tmp_path, "tilt")


def test_a_small_gantry_tilt_adds_up(tmp_path):
    """A degree moves neighbours by 0.03 mm, and the last of 40 slices by 1.4 mm."""
    series = generate_uid()
    for i in range(40):
        write_slice(tmp_path / f"{i}.dcm", np.zeros((5, 4)), i * (2 * NORMAL + 0.035 * COLUMN), series)
    fails(tmp_path, "gantry tilt of 1.0°", "1.4 mm")


def test_gaps_that_are_a_little_wider_in_one_half(tmp_path):
    write_series(tmp_path, [*np.arange(0, 40, 2), *(38 + 2.15 * np.arange(1, 20))])
    fails(tmp_path, "unevenly spaced", "1.4 mm")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among files")
def test_a_pipe_in_the_folder_is_not_waited_for(tmp_path):
    write_series(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert read_image(tmp_path).GetSize()[2] == len(list(tmp_path.iterdir())) - 1


def test_slices_that_are_not_parallel(tmp_path):
    write_series(tmp_path)
    path = next(tmp_path.iterdir())
    data = pydicom.dcmread(path)
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.save_as(path)
    fails(tmp_path, "not parallel")


def test_slices_without_position(tmp_path):
    write_series(tmp_path)
    path = next(tmp_path.iterdir())
    data = pydicom.dcmread(path)
    del data.ImagePositionPatient
    data.save_as(path)
    fails(tmp_path, "without a position")


def test_a_single_slice(tmp_path):
    write_series(tmp_path, [0])
    fails(tmp_path, "single DICOM slice")
    fails(tmp_path / "001.dcm", "single DICOM slice", "folder")


@pytest.mark.parametrize(("series", "file"), [("CT", "ct.nii.gz"), ("MR_T1", "mr.nii.gz")])
def test_real_series_agrees_with_its_nifti(real_data, series, file):
    whole = read_image(real_data / "STS_007" / "dicom" / series)
    crop = read_image(real_data / "STS_007" / file)
    start = whole.TransformPhysicalPointToIndex(crop.GetOrigin())
    same = sitk.RegionOfInterest(whole, crop.GetSize(), start)
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(same), sitk.GetArrayViewFromImage(crop))
    np.testing.assert_allclose(same.GetOrigin(), crop.GetOrigin(), atol=1e-3)
    np.testing.assert_allclose(same.GetSpacing(), crop.GetSpacing(), atol=1e-4)


def test_real_study_folder_lists_its_two_series(real_data):
    fails(real_data / "STS_007" / "dicom", "2 DICOM series", "(CT, 70 slices)", "(MR, 69 slices)")
