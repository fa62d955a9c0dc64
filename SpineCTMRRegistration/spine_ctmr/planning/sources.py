"""The DICOM series that a result was made from, read and checked: all identity comes from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage, MRImageStorage
from pydicom.valuerep import validate_value

from ..errors import InputError
from ..geometry.grid import Grid
from ..imaging.dicom import chosen_series, read_series
from ..imaging.dicom_order import ordered_frames
from ..imaging.lost_slices import without_lost_slices
from ..imaging.reading import quiet_itk
from ..imaging.series_choice import SeriesChoice

Modality = Literal["CT", "MR"]

_STORAGE = {"CT": CTImageStorage, "MR": MRImageStorage}
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
_NEEDED = {
    "CT": ("PatientID", *_UIDS),
    "MR": ("PatientID", *_UIDS, "ScanningSequence", "SequenceVariant"),
}
_SAME = (*_UIDS, "PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex")
_IDENTITY = ("PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
_FREE_TEXTS = ("StudyID", "StudyDescription", "AccessionNumber", "ReferringPhysicianName", "PatientAge")


@dataclass(frozen=True)
class Source:
    """One CT or MR series.

    Attributes:
        modality: "CT" or "MR".
        folder: where it was read.
        headers: DICOM headers without pixels, in the order of the image's slices.
        image: the voxels in LPS mm with rescale applied, as a registration sees them.
        warnings: what was noticed, one sentence each.
    """

    modality: Modality
    folder: Path
    headers: tuple[Dataset, ...]
    image: sitk.Image
    warnings: tuple[str, ...] = ()

    @property
    def grid(self) -> Grid:
        """The voxels in LPS mm."""
        return Grid.of(self.image)

    @property
    def typical(self) -> Dataset:
        """The header of the middle slice."""
        return self.headers[len(self.headers) // 2]

    @property
    def frame_uid(self) -> str:
        """The Frame of Reference UID."""
        return str(self.typical.FrameOfReferenceUID)


def read_source(folder: Path, modality: Modality) -> Source:
    """The one series in `folder`, checked to carry everything that the exported objects copy.

    Raises:
        InputError: no single evenly spaced series of that modality, attributes that are missing or
            differ from slice to slice, multi-frame files.
    """
    series = chosen_series(folder, SeriesChoice(modality=modality), takes_files=False)
    if len({frame.path for frame in series.frames}) < max(2, len(series.frames)):
        raise InputError(
            f"The {modality} '{folder}' is a multi-frame DICOM file or a single slice; "
            "convert it to a series with one file per slice."
        )
    with quiet_itk():
        image, filled = without_lost_slices(read_series(series, folder), f"the {modality} '{folder}'")
    frames = ordered_frames(series.frames, folder)
    headers = tuple(pydicom.dcmread(f.path, stop_before_pixels=True, force=True) for f in frames)
    _check_storage(headers, folder, modality)
    for header in headers:
        _check_needed(header, folder, modality)
    _check_consistent(headers, folder, modality)
    return Source(modality, folder, headers, image, (*filled, *_without_invalid_texts(headers, modality)))


def check_pair(ct: Source, mr: Source) -> tuple[str, ...]:
    """Refuse a CT and an MR of different patients; return warnings.

    Raises:
        InputError: Patient ID, its issuer, birth date or sex differ.
    """
    for keyword in _IDENTITY:
        values = {str(source.typical.get(keyword) or "").strip() for source in (ct, mr)} - {""}
        if len(values) > 1:
            raise InputError(
                f"The CT '{ct.folder}' and the MR '{mr.folder}' belong to different patients "
                f"(their {keyword} differs); give both series of one patient."
            )
    if ct.frame_uid == mr.frame_uid:
        return (
            "CT and MR carry the same Frame of Reference UID although the patient moved between them: "
            "viewers overlay the original images without the registration.",
        )
    return ()


def _check_storage(headers: Sequence[Dataset], folder: Path, modality: Modality) -> None:
    if any(header.get("SOPClassUID") != _STORAGE[modality] for header in headers):
        found = str(headers[0].get("Modality") or "unknown")
        raise InputError(
            f"The {modality} '{folder}' is not a classic DICOM {modality} series (its modality is {found}); "
            f"give the {modality} series that was registered."
        )


def _check_needed(header: Dataset, folder: Path, modality: Modality) -> None:
    missing = [name for name in (*_NEEDED[modality], "SOPInstanceUID") if not header.get(name)]
    invalid = [
        name
        for name in (*_UIDS, "SOPInstanceUID")
        if name not in missing and not UID(header[name].value).is_valid
    ]
    if missing or invalid:
        problem = f"lacks {', '.join(missing)}" if missing else f"has an invalid {', '.join(invalid)}"
        raise InputError(
            f"The {modality} '{folder}' {problem}, which cannot be invented; export the original series, or "
            "anonymise it with a tool that replaces identifiers instead of removing them."
        )


def _check_consistent(headers: Sequence[Dataset], folder: Path, modality: Modality) -> None:
    mixed = [name for name in _SAME if len({str(header.get(name) or "") for header in headers}) > 1]
    if mixed:
        raise InputError(
            f"The {modality} '{folder}' mixes slices with different {', '.join(mixed)}; "
            "give the folder of one series as the scanner made it."
        )
    if len({header.SOPInstanceUID for header in headers}) < len(headers):
        raise InputError(
            f"The {modality} '{folder}' has slices with the same SOPInstanceUID; export the series again."
        )


def _without_invalid_texts(headers: Sequence[Dataset], modality: Modality) -> tuple[str, ...]:
    """Empty descriptive texts that break DICOM's own limits; return a warning for each."""
    invalid = [name for name in _FREE_TEXTS if not _is_valid(headers[0], name)]
    for header in headers:
        for name in invalid:
            header[name].value = None
    return tuple(
        f"The {modality}'s {name} breaks the DICOM standard and stays empty in the exported files."
        for name in invalid
    )


def _is_valid(header: Dataset, name: str) -> bool:
    if name not in header:
        return True
    element: Any = header[name]
    try:
        validate_value(element.VR, str(element.value or ""), pydicom.config.RAISE)
    except ValueError:
        return False
    return True
