"""Vertebrae from DICOM Segmentations, and folders of masks as TotalSegmentator writes them."""

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from imaging.spines import numbers_where, save, spine
from imaging.test_dicom import write_slice
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.segmentation import read_vertebrae

SPACING = 2.0
LEVELS = {1: "L3", 2: "L4", 3: "L5"}
ROW, COLUMN = np.array([0.96, 0.28, 0.0]), np.array([-0.28, 0.96, 0.0])


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """The headers of an axial CT series for `spine(LEVELS)`, files in another order than the slices."""
    array, uid, study = spine(LEVELS), generate_uid(), generate_uid()
    folder = tmp_path_factory.mktemp("ct")
    headers = []
    for z in range(len(array)):
        path = folder / f"{len(array) - z:03d}.dcm"
        write_slice(path, np.zeros(array.shape[1:], np.uint16), SPACING * z * np.array([0, 0, 1.0]), uid)
        header = pydicom.dcmread(path)
        header.PixelSpacing, header.ImageOrientationPatient = [SPACING, SPACING], [*ROW, *COLUMN]
        header.StudyInstanceUID, header.FrameOfReferenceUID = study, "1.2.3"
        header.PatientBirthDate = header.PatientSex = header.StudyDate = header.StudyTime = ""
        header.AccessionNumber = header.StudyID = header.ReferringPhysicianName = ""
        headers.append(header)
    return headers


def segment(number, label, kind=codes.SCT.Vertebra):
    return SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=kind,
        algorithm_type=SegmentAlgorithmTypeValues.MANUAL,
    )


def write_seg(path, series, array, segments, kind=SegmentationTypeValues.BINARY):
    uid, version = hd.UID(), {"manufacturer": "X", "manufacturer_model_name": "Y", "software_versions": "1"}
    seg = Segmentation(
        source_images=series,
        pixel_array=array.astype(np.uint8),
        segmentation_type=kind,
        segment_descriptions=segments,
        series_instance_uid=uid,
        series_number=9,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        device_serial_number="1",
        series_description="vertebrae",
        **version,
    )
    path.parent.mkdir(exist_ok=True)
    seg.save_as(path)
    return path


def in_place(labels, array):
    """The voxel at (x, y, z) of the series is where its rows and columns say."""
    for index in ((0, 0, 0), (5, 7, 9)):
        truth = SPACING * (index[0] * ROW + index[1] * COLUMN + index[2] * np.array([0, 0, 1.0]))
        at = labels.TransformPhysicalPointToContinuousIndex(truth.tolist())
        np.testing.assert_allclose(at, np.rint(at), atol=1e-3)
    found = {}
    for label in np.unique(array[array > 0]):
        z, y, x = np.argwhere(array == label).mean(0)
        middle = SPACING * (x * ROW + y * COLUMN + z * np.array([0, 0, 1.0]))
        found[int(label)] = labels[labels.TransformPhysicalPointToIndex(middle.tolist())]
    return found


def fails(path, *words):
    with pytest.raises(InputError) as error:
        read_vertebrae(path)
    for word in words:
        assert word in str(error.value), error.value


@pytest.mark.parametrize("kind", [SegmentationTypeValues.BINARY, SegmentationTypeValues.LABELMAP])
@pytest.mark.parametrize("as_folder", [False, True])
def test_segments_by_label(tmp_path, series, kind, as_folder):
    array = spine(LEVELS)
    segments = [segment(1, "L3"), segment(2, "vertebrae_L4"), segment(3, "L5 vertebra")]
    path = write_seg(tmp_path / "seg" / "a.dcm", series, array, segments, kind)
    found = read_vertebrae(path.parent if as_folder else path)
    assert found.warnings == ()
    assert in_place(found.image, array) == {1: 22, 2: 23, 3: 24}
    counts = sitk.GetArrayFromImage(found.image)
    assert [(counts == n).sum() for n in (22, 23, 24)] == [(array == n).sum() for n in (1, 2, 3)]


def test_segments_by_code(tmp_path, series):
    types = codes.SCT.L3Vertebra, codes.SCT.L4Vertebra, codes.SCT.L5Vertebra
    segments = [segment(i, f"bone {i}", kind) for i, kind in enumerate(types, 1)]
    path = write_seg(tmp_path / "a.dcm", series, spine(LEVELS), segments)
    assert in_place(read_vertebrae(path).image, spine(LEVELS)) == {1: 22, 2: 23, 3: 24}


def test_segments_called_by_numbers_of_another_program(tmp_path, series):
    segments = [segment(i, name) for i, name in enumerate(("43", "44", "45"), 1)]
    path = write_seg(tmp_path / "a.dcm", series, spine(LEVELS), segments)
    found = read_vertebrae(path)
    assert in_place(found.image, spine(LEVELS)) == {1: 22, 2: 23, 3: 24}
    assert "TotalSpineSeg" in found.warnings[0]


def test_segments_that_cannot_be(tmp_path, series):
    segments = [segment(i, name) for i, name in enumerate(("L5", "L4", "L3"), 1)]
    fails(write_seg(tmp_path / "a.dcm", series, spine(LEVELS), segments), "run from tail to head")


def test_no_vertebra_among_the_segments(tmp_path, series):
    segments = [segment(i, f"organ {i}", codes.SCT.Liver) for i in (1, 2, 3)]
    fails(write_seg(tmp_path / "a.dcm", series, spine(LEVELS), segments), "no segment named after a vertebra")


def test_several_segmentations_in_a_folder(tmp_path, series):
    for name in ("a.dcm", "b.dcm"):
        segments = [segment(1, "L3"), segment(2, "L4"), segment(3, "L5")]
        write_seg(tmp_path / "seg" / name, series, spine(LEVELS), segments)
    fails(tmp_path / "seg", "2 DICOM segmentations", '"vertebrae" (a.dcm)', "give the file")


@pytest.mark.parametrize(("modality", "word"), [("RTSTRUCT", "contours"), ("REG", "registration")])
@pytest.mark.parametrize("as_folder", [False, True])
def test_objects_that_are_no_label_maps(tmp_path, modality, word, as_folder):
    path = tmp_path / "rt" / "a.dcm"
    write_slice(path, np.zeros((4, 4)), np.zeros(3), generate_uid(), modality=modality)
    fails(path.parent if as_folder else path, word, "DICOM SEG")


@pytest.mark.parametrize("names", ["vertebrae_{}", "{}"])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_a_mask_for_each_vertebra(tmp_path, names, suffix):
    array = spine(LEVELS)
    for label, level in LEVELS.items():
        save(tmp_path / f"{names.format(level)}{suffix}", 255 * (array == label))
    save(tmp_path / f"{names.format('L2')}{suffix}", np.zeros_like(array))
    save(tmp_path / "liver.nii.gz", np.ones_like(array))
    found = read_vertebrae(tmp_path)
    assert numbers_where(found.image, array) == {1: 22, 2: 23, 3: 24}
    assert len(found.warnings) == 1
    assert "L2 is empty" in found.warnings[0]


def test_masks_that_do_not_belong_together(tmp_path):
    array = spine(LEVELS)
    save(tmp_path / "vertebrae_L3.nii.gz", array == 1)
    save(tmp_path / "L3.nii.gz", array == 1)
    fails(tmp_path, "2 masks for L3", "L3.nii.gz, vertebrae_L3.nii.gz")
    (tmp_path / "L3.nii.gz").unlink()
    save(tmp_path / "vertebrae_L4.nii.gz", (array == 2)[:-1])
    fails(tmp_path, "vertebrae_L4.nii.gz", "another grid")


def test_swapped_masks(tmp_path):
    array = spine(LEVELS)
    for label, level in ((1, "L4"), (2, "L3")):
        save(tmp_path / f"vertebrae_{level}.nii.gz", array == label)
    fails(tmp_path, "L3, L4 run from tail to head")
