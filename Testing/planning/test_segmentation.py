"""DICOM Segmentations, read by pydicom alone, against the label maps in space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.segmentation import read_vertebrae
from spine_ctmr.imaging.vertebra_names import VERSE_NUMBERS, vertebra_name
from spine_ctmr.planning.dicom_segmentation import vertebra_code

from .conftest import Patient

CODES = {"L3": "36470004", "L4": "11994002"}


@pytest.mark.parametrize(
    ("file", "labels"),
    [("vertebrae_in_mr", "result/vertebrae_in_mr.nrrd"), ("vertebrae_in_ct", "labels.nrrd")],
)
def test_segments_are_the_labels(patient: Patient, exported: Path, file: str, labels: str) -> None:
    data = pydicom.dcmread(exported / f"{file}.dcm")
    image = sitk.ReadImage(str(patient.result.parent / labels))
    truth = sitk.GetArrayFromImage(image)
    found = np.zeros_like(truth)
    names = {s.SegmentNumber: s.SegmentLabel for s in data.SegmentSequence}
    for frame, groups in zip(data.pixel_array, data.PerFrameFunctionalGroupsSequence, strict=True):
        position = [float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient]
        index = image.TransformPhysicalPointToContinuousIndex(position)
        np.testing.assert_allclose(index[:2], 0, atol=1e-3)
        number = {"L3": 22, "L4": 23}[names[groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber]]
        found[round(index[2])][frame > 0] = number
    np.testing.assert_array_equal(found, truth)


def test_own_segmentations_are_read_back(patient: Patient, exported: Path) -> None:
    found = read_vertebrae(exported / "vertebrae_in_ct.dcm").image
    truth = sitk.ReadImage(str(patient.labels))
    again = sitk.Resample(found, truth, sitk.Transform(), sitk.sitkNearestNeighbor)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(again), sitk.GetArrayFromImage(truth))
    with pytest.raises(InputError, match="2 DICOM segmentations"):
        read_vertebrae(exported)


def test_segments_carry_standard_codes(exported: Path) -> None:
    data = pydicom.dcmread(exported / "vertebrae_in_mr.dcm")
    for segment in data.SegmentSequence:
        (kind,) = segment.SegmentedPropertyTypeCodeSequence
        assert (kind.CodingSchemeDesignator, kind.CodeValue) == ("SCT", CODES[segment.SegmentLabel])


def test_every_vertebra_has_a_code() -> None:
    own = {n: vertebra_code(n) for n in VERSE_NUMBERS if vertebra_name(n) not in ("L6", "T13")}
    assert len({code.value for code in own.values()}) == len(own)
    assert vertebra_code(25).meaning == vertebra_code(28).meaning == "Vertebra"
    assert all(code.meaning == f"{vertebra_name(n)} vertebra" for n, code in own.items() if n != 26)
