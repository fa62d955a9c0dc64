"""A small patient as DICOM series, and a registration of it as `spine-ctmr register` writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid
from scipy.ndimage import gaussian_filter
from spine_ctmr.deformation.bones import make_bones
from spine_ctmr.deformation.deformation import bone_motion, build_deformation
from spine_ctmr.deformation.options import DeformationOptions
from spine_ctmr.deformation.warping import ct_in_mr, mr_in_ct, vertebrae_in_mr
from spine_ctmr.geometry.boxes import labels_in_box, spine_box
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.vertebra_names import vertebra_name

torch.set_num_threads(1)

PATIENT = "Müller^Jürgen"
PATIENT_ID = "PID-4711"
OPTIONS = DeformationOptions(spacing_mm=2.0, reach_mm=14.0)
CT_GRID = Grid((30, 28, 24), (2.5, 2.5, 3.0), (-36.0, -180.0, 400.0))
SAGITTAL = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
BONES = {22: (slice(13, 19), slice(8, 20), slice(9, 21)), 23: (slice(4, 10), slice(8, 20), slice(9, 21))}


@dataclass(frozen=True)
class Patient:
    """Folders of one patient.

    Attributes:
        ct: the axial CT series.
        mr: the oblique sagittal MR series, in another study and frame of reference.
        labels: file with CT labels L3 and L4.
        result: the registration.
    """

    ct: Path
    mr: Path
    labels: Path
    result: Path


def write_dicom(folder: Path, image: sitk.Image, modality: str, **changes: Any) -> None:
    """Write an image as a classic DICOM series, with attributes changed or (None) left out."""
    folder.mkdir(parents=True, exist_ok=True)
    array = sitk.GetArrayFromImage(image)
    direction = np.reshape(image.GetDirection(), (3, 3))
    shared = {
        **{"SpecificCharacterSet": "ISO_IR 100", "PatientName": PATIENT, "PatientID": PATIENT_ID},
        **{"PatientBirthDate": "19600102", "PatientSex": "M", "StudyDate": "20240506", "StudyTime": "101112"},
        **{"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "AccessionNumber": "A1"},
        **{"FrameOfReferenceUID": generate_uid(), "PositionReferenceIndicator": "", "StudyID": "S1"},
        **{
            "ReferringPhysicianName": "",
            "Modality": modality,
            "Manufacturer": "Acme",
            "PatientPosition": "HFS",
        },
        **{"SeriesNumber": 3, "SeriesDescription": f"{modality} spine", "AcquisitionDate": "20240506"},
        **{"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "OTHER"]},
        **{"PixelSpacing": [image.GetSpacing()[1], image.GetSpacing()[0]]},
        **{
            "SliceThickness": image.GetSpacing()[2],
            "ImageOrientationPatient": _texts(direction.T[:2].ravel()),
        },
        **{"Rows": array.shape[1], "Columns": array.shape[2], "SamplesPerPixel": 1},
        **{"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 0},
        **{"PhotometricInterpretation": "MONOCHROME2", "WindowCenter": "300", "WindowWidth": "1500"},
        **(_CT if modality == "CT" else _MR),
        **changes,
    }
    for k, pixels in enumerate(array):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage if modality == "CT" else MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        for name, value in shared.items():
            if value is not None:
                setattr(data, name, value)
        data.InstanceNumber = k + 1
        data.ImagePositionPatient = _texts(image.TransformIndexToPhysicalPoint((0, 0, k)))
        offset = 1024 if modality == "CT" else 0
        data.PixelData = (pixels + offset).astype("<u2").tobytes()
        data.save_as(folder / f"{len(array) - k:03d}.dcm", enforce_file_format=True)


_CT = {
    "KVP": "120",
    "AcquisitionNumber": 1,
    "RescaleIntercept": -1024,
    "RescaleSlope": 1,
    "RescaleType": "HU",
}
_MR = {
    **{"ScanningSequence": "SE", "SequenceVariant": "SK", "ScanOptions": "", "MRAcquisitionType": "2D"},
    **{"RepetitionTime": "500", "EchoTime": "10", "EchoTrainLength": "1"},
}


def _texts(values: Any) -> list[str]:
    return [f"{v:.9f}"[:16] for v in values]


def _mr_grid(around: NDArray[Any]) -> Grid:
    tilt = Pose.from_rotation([0.05, -0.08, 0.11], [0, 0, 0]).rotation
    return Grid.around(around, (1.7, 1.7, 3.6), 6.0, tilt @ SAGITTAL)


def _make_patient(folder: Path) -> Patient:
    rng = np.random.default_rng(5)
    numbers = np.zeros(CT_GRID.shape, np.uint8)
    for number, where in BONES.items():
        numbers[where] = number
    texture = gaussian_filter(rng.normal(0, 600, CT_GRID.shape), 1.5)
    labels, ct = CT_GRID.image(numbers), CT_GRID.image((texture + 400 * (numbers > 0)).astype(np.int16))
    overall = Pose.from_rotation([0.1, -0.05, 0.04], [12.0, -7.0, 30.0], CT_GRID.center_mm)
    poses = {
        22: overall @ Pose.from_rotation([0.06, 0, 0.02], [1.0, 2.0, 0.5], CT_GRID.center_mm),
        23: overall @ Pose.from_rotation([-0.05, 0.03, 0], [-1.0, -1.5, 0], CT_GRID.center_mm),
    }
    moved = np.concatenate([overall.apply(CT_GRID.to_points(np.argwhere(numbers)[:, ::-1]))])
    box = spine_box(moved, OPTIONS.spacing_mm, OPTIONS.reach_mm, np.eye(3), OPTIONS.stride)
    bones = make_bones(labels_in_box(labels, overall, box), box, poses, overall, OPTIONS.reach_mm)
    deformation = build_deformation(bones, box, poses, overall, OPTIONS, bone_motion(bones, box, OPTIONS))
    grid = _mr_grid(moved)
    mr = grid.image((500 + gaussian_filter(rng.normal(0, 900, grid.shape), 1.2)).clip(0).astype(np.uint16))

    write_dicom(folder / "ct", ct, "CT")
    write_dicom(folder / "mr", mr, "MR", PatientPosition="FFS")
    sitk.WriteImage(labels, str(folder / "labels.nrrd"))
    result = folder / "result"
    (result / "vertebrae").mkdir(parents=True)
    sitk.WriteTransform(deformation.mr_to_ct(), str(result / "mr_to_ct.h5"))
    sitk.WriteTransform(deformation.ct_to_mr(), str(result / "ct_to_mr.h5"))
    for number, pose in poses.items():
        transform = pose.to_sitk(CT_GRID.center_mm)
        sitk.WriteTransform(transform, str(result / "vertebrae" / f"{vertebra_name(number)}.tfm"))
    sitk.WriteImage(ct_in_mr(ct, mr, deformation), str(result / "ct_in_mr.nrrd"))
    sitk.WriteImage(mr_in_ct(ct, mr, deformation), str(result / "mr_in_ct.nrrd"))
    sitk.WriteImage(vertebrae_in_mr(labels, mr, poses), str(result / "vertebrae_in_mr.nrrd"))
    rows = [{"name": vertebra_name(n), "number": n, "flag": "good"} for n in poses]
    (result / "quality.json").write_text(json.dumps({"verdict": "All 2 are good.", "vertebrae": rows}))
    accepted = [{"vertebra": row["name"], "decision": "accept"} for row in rows]
    (result / "sign_off.json").write_text(json.dumps({"vertebrae": accepted}))
    (result / "run.json").write_text(json.dumps({"start": {"ct_to_mr_lps": overall.matrix.tolist()}}))
    return Patient(folder / "ct", folder / "mr", folder / "labels.nrrd", result)


@pytest.fixture(scope="session")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Patient:
    """Read only: the patient that no test changes."""
    return _make_patient(tmp_path_factory.mktemp("patient"))


@pytest.fixture(scope="session")
def exported(patient: Patient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: everything that is exported without models."""
    from spine_ctmr.planning.export import export
    from spine_ctmr.planning.request import ExportRequest

    folder = tmp_path_factory.mktemp("exported")
    export(ExportRequest(patient.result, patient.ct, patient.mr, patient.labels), folder)
    return folder
