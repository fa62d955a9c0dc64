"""New DICOM instances that carry the identity of a source series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from highdicom import SOPClass
from highdicom.base_content import ContributingEquipment
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from .. import __version__
from .sources import Source

MANUFACTURER = "SpineCTMRRegistration"
MODEL = "spine-ctmr"
SERIAL_NUMBER = "none"
DISCLAIMER = "For research use; not a medical device."


def new_uid() -> str:
    """A new unique identifier, derived from a UUID (PS3.5 B.2)."""
    return str(generate_uid(prefix=None))


@dataclass(frozen=True)
class NewSeries:
    """A series to be written.

    Attributes:
        number: its Series Number.
        description: at most 64 characters.
        modality: "CT", "MR", "REG" or "SEG".
        uid: newly generated.
        created: when the export started.
    """

    number: int
    description: str
    modality: str
    uid: str = field(default_factory=new_uid)
    created: datetime = field(default_factory=datetime.now)


def new_instance(
    sop_class_uid: str, series: NewSeries, number: int, anchor: Source, made_from: Sequence[Source]
) -> SOPClass:
    """An instance in the study and the frame of reference of `anchor`.

    Patient and study are copied from `anchor`; the scanners of `made_from` are named as contributing
    equipment.
    """
    instance = SOPClass(
        study_instance_uid=anchor.typical.StudyInstanceUID,
        series_instance_uid=series.uid,
        series_number=series.number,
        sop_instance_uid=new_uid(),
        sop_class_uid=sop_class_uid,
        instance_number=number,
        modality=series.modality,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=SERIAL_NUMBER,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=series.description,
        series_date=series.created.date(),
        series_time=series.created.time(),
        specific_character_set=anchor.typical.get("SpecificCharacterSet"),
    )
    instance.copy_patient_and_study_information(anchor.typical)
    instance.BodyPartExamined = "SPINE"
    instance.FrameOfReferenceUID = anchor.frame_uid
    instance.PositionReferenceIndicator = anchor.typical.get("PositionReferenceIndicator")
    scanners = (source.typical for source in made_from)
    instance.ContributingEquipmentSequence = [
        ContributingEquipment.for_image_acquisition(scanner)
        for scanner in scanners
        if scanner.get("Manufacturer")
    ]
    return instance


def image_references(headers: Iterable[Dataset]) -> list[Dataset]:
    """Items of a Referenced Image Sequence."""
    return [_reference(header) for header in headers]


def source_references(headers: Iterable[Dataset]) -> list[Dataset]:
    """Items of a Source Image Sequence."""
    purpose = code_item(codes.DCM.SourceImageForImageProcessingOperation)
    items = image_references(headers)
    for item in items:
        item.PurposeOfReferenceCodeSequence = [purpose]
    return items


def code_item(code: object) -> Dataset:
    """The item of a code sequence."""
    return CodedConcept.from_code(code)


def refer_to(instance: SOPClass, sources: Sequence[Source]) -> None:
    """Fill the Common Instance Reference module (PS3.3 C.12.2) with all images of `sources`."""
    by_study = sorted(sources, key=lambda s: str(s.typical.StudyInstanceUID))
    for study, group in groupby(by_study, key=lambda s: str(s.typical.StudyInstanceUID)):
        series = [_referenced_series(source) for source in group]
        if study == instance.StudyInstanceUID:
            instance.ReferencedSeriesSequence = series
        else:
            other = Dataset()
            other.StudyInstanceUID = study
            other.ReferencedSeriesSequence = series
            instance.StudiesContainingOtherReferencedInstancesSequence = [other]


def _referenced_series(source: Source) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = source.typical.SeriesInstanceUID
    item.ReferencedInstanceSequence = image_references(source.headers)
    return item


def _reference(header: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    return item
