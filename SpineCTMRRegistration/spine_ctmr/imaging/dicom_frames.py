"""The slices of DICOM files, whether each has its own file or many are frames of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .dicom_description import IDENTITY

TAGS: list[Any] = [
    "SpecificCharacterSet",
    "SOPClassUID",
    "SeriesInstanceUID",
    "SeriesDescription",
    "SeriesNumber",
    "Modality",
    *IDENTITY,
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "RescaleSlope",
    "RescaleIntercept",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
"""What is read of every file."""

_GROUPS = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
}
"""Functional group of an enhanced multi-frame object by attribute (DICOM PS3.3 C.7.6.16.2)."""


@dataclass(frozen=True)
class Frame:
    """One slice.

    Attributes:
        path: its file.
        index: which frame of the file, from 0.
        position_mm: LPS of its first voxel; None if it is not stored.
        orientation: LPS directions of its rows and columns, six cosines; None likewise.
        spacing_mm: between its rows and between its columns; None likewise.
        rescale: slope and intercept.
    """

    path: Path
    index: int
    position_mm: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing_mm: tuple[float, ...] | None
    rescale: tuple[float, float]


def frames_of(header: Any) -> list[Frame]:
    """The frames of a file by its header (pydicom dataset with `filename`)."""
    count = int(header.get("NumberOfFrames") or 1)
    shared = _first(header.get("SharedFunctionalGroupsSequence"))
    own = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    if count > 1 or own:
        return [
            _frame(header, i, [own[i] if i < len(own) else None, shared], count > 1) for i in range(count)
        ]
    return [_frame(header, 0, [shared], False)]


def _frame(header: Any, index: int, groups: list[Any], one_of_many: bool) -> Frame:
    """One frame; what only the file as a whole says of places cannot be true of all its frames."""

    def found(name: str) -> Any:
        for group in groups:
            item = _first(group.get(_GROUPS[name])) if group is not None else None
            if item is not None and item.get(name) is not None:
                return item.get(name)
        return None if one_of_many and name == "ImagePositionPatient" else header.get(name)

    slope = found("RescaleSlope")
    return Frame(
        Path(header.filename),
        index,
        _numbers(found("ImagePositionPatient"), 3),
        _numbers(found("ImageOrientationPatient"), 6),
        _numbers(found("PixelSpacing"), 2),
        (1.0 if slope is None else float(slope), float(found("RescaleIntercept") or 0)),
    )


def _first(sequence: Any) -> Any:
    return sequence[0] if sequence else None


def _numbers(values: Any, count: int) -> tuple[float, ...] | None:
    if values is None or isinstance(values, str) or len(values) != count:
        return None
    return tuple(float(v) for v in values)
