"""Right files of a small patient, to be damaged: `python -m fuzz.seeds FOLDER` makes them."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from spine_ctmr.imaging.vertebra_names import vertebra_name
from spine_ctmr.network.bundle import bundled_network_directory
from spine_ctmr.options import RegistrationOptions
from spine_ctmr.phantoms.phantom import PhantomOptions, make_phantom
from spine_ctmr.registration import register
from spine_ctmr.research.training.recipe_file import SHIPPED
from spine_ctmr.results.registration import Registration
from spine_ctmr.results.sign_off import SignOff, VertebraDecision

SMALL = PhantomOptions(
    levels=(23, 24), mr_spacing_mm=(2.0, 3.0), ct_spacing_mm=(2.0, 2.0), margin_mm=16.0, truth_spacing_mm=3.0
)
NAME = "DOE^JANE"
"""Of the patient; nothing that is said or written may hold it."""


def make_seeds(folder: Path) -> None:
    """Write the inputs of a registration in many formats, its result, and what else is read."""
    phantom = make_phantom(7, SMALL)
    case = phantom.case
    inputs = folder / "inputs"
    inputs.mkdir(parents=True)
    _images(inputs, case.ct, case.mr, case.vertebrae)
    centers = {vertebra_name(n): c.round(3).tolist() for n, c in (case.mr_centroids or {}).items()}
    _landmarks(inputs, centers)
    _dicom(folder / "dicom", case.ct)
    registered = register(case, RegistrationOptions(quality="fast", threads=1))
    Registration(registered).save(folder / "result")
    decisions = tuple(VertebraDecision(name, "accept", "seen") for name in centers)
    (folder / "sign_off.json").write_text(json.dumps(asdict(SignOff(decisions, "reader"))))
    shutil.copytree(bundled_network_directory(), folder / "network", ignore=shutil.ignore_patterns("*.md"))
    shutil.copy(SHIPPED / "jian_pc.toml", folder / "recipe.toml")
    places = {"mr_lps": np.zeros((4, 3)), "ct_lps": np.ones((4, 3)), "vertebra": np.array([0, 0, 23, 24])}
    np.savez(folder / "truth.npz", **places)


def _images(folder: Path, ct: sitk.Image, mr: sitk.Image, labels: sitk.Image) -> None:
    for image in (ct, mr, labels):
        image.SetMetaData("PatientName", NAME)
    for name in ("ct.nii", "ct.nii.gz", "ct.nrrd", "ct.mha", "ct.mhd"):
        sitk.WriteImage(ct, str(folder / name))
    sitk.WriteImage(mr, str(folder / "mr.nrrd"))
    for name in ("labels.nii.gz", "labels.mha"):
        sitk.WriteImage(labels, str(folder / name))
    segmentation = sitk.Image(labels)
    for k, number in enumerate((23, 24)):
        known = {"ID": f"S{k}", "Name": vertebra_name(number), "LabelValue": str(number), "Layer": "0"}
        for key, value in {**known, "Extent": "0 9 0 9 0 9"}.items():
            segmentation.SetMetaData(f"Segment{k}_{key}", value)
    sitk.WriteImage(segmentation, str(folder / "labels.seg.nrrd"))


def _dicom(folder: Path, ct: sitk.Image) -> None:
    """The slices of a CT, with the patient's name."""
    folder.mkdir()
    size, (dx, dy, _) = ct.GetSize(), ct.GetSpacing()
    series, study, frame = (generate_uid(entropy_srcs=[name]) for name in ("series", "study", "frame"))
    for k, plane in enumerate(sitk.GetArrayFromImage(ct).astype(np.int16)):
        slice_ = Dataset()
        slice_.file_meta = FileMetaDataset()
        slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_.SOPClassUID = slice_.file_meta.MediaStorageSOPClassUID = CTImageStorage
        slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = generate_uid(
            entropy_srcs=[f"slice {k}"]
        )
        slice_.PatientName, slice_.PatientID, slice_.Modality = NAME, NAME, "CT"
        slice_.SeriesInstanceUID, slice_.StudyInstanceUID, slice_.FrameOfReferenceUID = series, study, frame
        slice_.SeriesNumber, slice_.InstanceNumber, slice_.SeriesDescription = 1, k + 1, "Spine"
        slice_.ImagePositionPatient = [round(v, 4) for v in ct.TransformIndexToPhysicalPoint((0, 0, k))]
        slice_.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        slice_.PixelSpacing, slice_.SliceThickness = [dy, dx], ct.GetSpacing()[2]
        slice_.Rows, slice_.Columns = size[1], size[0]
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit, slice_.PixelRepresentation = 16, 16, 15, 1
        slice_.RescaleIntercept, slice_.RescaleSlope = 0, 1
        slice_.PixelData = plane.tobytes()
        slice_.save_as(folder / f"{k:03}.dcm", enforce_file_format=True)


def _landmarks(folder: Path, centers: dict[str, list[float]]) -> None:
    points = [{"label": name, "position": center} for name, center in centers.items()]
    markups = {"markups": [{"coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": points}]}
    pairs = [{"name": name, "ct": center, "mr": center} for name, center in centers.items()]
    verse = [
        {"direction": ["L", "P", "S"]},
        *({"label": n, "X": 9.0, "Y": 9.0, "Z": 9.0 * k} for k, n in enumerate((24, 23))),
    ]
    table = "name,x,y,z\n" + "".join(f"{n},{x},{y},{z}\n" for n, (x, y, z) in centers.items())
    rows = "".join(f"0,{x},{y},{z},0,0,0,1,1,1,0,{n},,\n" for n, (x, y, z) in centers.items())
    contents = {
        "landmarks.json": centers,
        "landmarks.mrk.json": markups,
        "pairs.json": pairs,
        "verse.json": verse,
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content, indent=1))
    (folder / "landmarks.csv").write_text(table)
    (folder / "landmarks.fcsv").write_text(f"# CoordinateSystem = LPS\n{rows}")
    (folder / "names.csv").write_text("label,name\n23,L4\n24,L5\n")


if __name__ == "__main__":
    make_seeds(Path(sys.argv[1]))
