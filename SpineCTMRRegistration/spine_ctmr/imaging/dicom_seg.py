"""DICOM Segmentations (binary and labelmap)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from .case import VertebraLabels
from .dicom import files_in
from .dicom_description import IDENTITY, series_description
from .label_schemes import LabelScheme
from .named_masks import joined
from .slicer_segments import Segment

_TAGS: list[Any] = ["Modality", "SeriesDescription", "SpecificCharacterSet", *IDENTITY]
_NO_LABELS = {
    "RTSTRUCT": "an RT Structure Set, whose contours are not read; load it in 3D Slicer with SlicerRT",
    "REG": "a DICOM registration",
    "SR": "a DICOM report",
    "RTDOSE": "a dose distribution",
    "RTPLAN": "a treatment plan",
    "PR": "a presentation state",
}


def find_segmentation(path: Path) -> Path | None:
    """The DICOM Segmentation that a file is or a folder holds; None if there is none.

    Raises:
        InputError: there are several, or only DICOM objects that cannot be label maps, such as RTSTRUCT.
    """
    kinds: dict[str, list[tuple[Path, Any]]] = {}
    for file in files_in(path):
        header = _header(file)
        if header is not None:
            kinds.setdefault(str(header.get("Modality")), []).append((file, header))
    found = kinds.pop("SEG", [])
    if len(found) > 1:
        listed = "; ".join(_described(file, header) for file, header in found[:8])
        raise InputError(f"{path} holds {len(found)} DICOM segmentations: {listed}; give the file of one.")
    if not found and kinds and set(kinds) <= set(_NO_LABELS):
        kind = next(iter(kinds))
        raise InputError(
            f"{path} holds {_NO_LABELS[kind]}; give a DICOM SEG, .seg.nrrd or label map of the vertebrae."
        )
    return found[0][0] if found else None


def read_segmentation(path: Path, scheme: LabelScheme | None, option: str) -> VertebraLabels:
    """The vertebrae of a DICOM Segmentation, named by segment label, else by property type.

    Args:
        path: of the file.
        scheme: how labels that are only numbers are meant; None to recognise it.
        option: that says the scheme, for messages.

    Raises:
        InputError: fractional, on an irregular grid, or without a vertebra among its segments.
    """
    import highdicom  # a second that other inputs need not wait

    seg = highdicom.seg.segread(path)
    if seg.segmentation_type == highdicom.seg.SegmentationTypeValues.FRACTIONAL:
        raise InputError(f"{path} holds a fractional segmentation; save it as a binary one.")
    segments = [_segment(seg.get_segment_description(n), n) for n in seg.segment_numbers]
    grid = _grid(_volume(seg, segments[0], path))

    def mask(segment: Segment) -> NDArray[Any]:
        return np.asarray(_volume(seg, segment, path).array)

    return joined(segments, mask, grid, path, scheme, option)


def _volume(seg: Any, segment: Segment, path: Path) -> Any:
    try:
        return seg.get_volume(segment_numbers=[segment.value], combine_segments=True)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{path} has no regular grid; save it as .seg.nrrd in 3D Slicer.") from error


def _header(path: Path) -> Any | None:
    import pydicom

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
    except Exception:  # whatever a file that is not DICOM makes pydicom raise
        return None
    return header if "Modality" in header else None


def _described(path: Path, header: Any) -> str:
    return f'"{series_description(header)}" ({path.name})'


def _segment(description: Any, number: int) -> Segment:
    meanings = (description.segmented_property_category.meaning, description.segmented_property_type.meaning)
    return Segment(number, str(description.segment_label), meanings, number, 0)


def _grid(volume: Any) -> Grid:
    """The grid of a highdicom volume, whose array is (slice, row, column) and whose affine gives LPS mm."""
    steps = np.asarray(volume.affine)[:3, 2::-1]
    spacing = np.linalg.norm(steps, axis=0)
    nz, ny, nx = volume.array.shape
    dx, dy, dz = spacing.tolist()
    x, y, z = np.asarray(volume.affine)[:3, 3].tolist()
    return Grid((nx, ny, nz), (dx, dy, dz), (x, y, z), tuple((steps / spacing).ravel().tolist()))
