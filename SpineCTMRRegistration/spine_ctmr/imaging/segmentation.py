"""Vertebra label maps in VerSe numbers from plain label maps and Slicer segmentations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..process.untrusted import reads_untrusted
from .reading import load_volume, open_volume, quiet_itk, read_image
from .slicer_segments import Segment, numbered_segments, segments_of
from .vertebra_names import VERSE_NUMBERS, cranial_to_caudal, vertebra_name

_COCCYX = 27
_RARE = {25: {24}, 28: {19, 20}}
"""Rare vertebrae (L6, T13) that other numberings mean otherwise, and a neighbour of each."""

_OWN_PARTS = 100
"""SPINEPS numbers discs and end plates from here on."""


@reads_untrusted
def read_vertebrae(path: Path) -> tuple[sitk.Image, tuple[str, ...]]:
    """Vertebra labels at `path` as uint8 VerSe numbers on their own grid, and warnings.

    Args:
        path: label map with VerSe numbers (NIfTI, NRRD, MetaImage), or a Slicer `.seg.nrrd`
            whose segments have vertebra names.

    Raises:
        InputError: not readable, not a label map, or without any recognisable vertebra.
    """
    path = Path(path)
    if path.is_dir():
        return _from_labels(read_image(path), path)
    with quiet_itk():
        reader = open_volume(path)
        segments = segments_of(reader, path)
        if segments is None:
            return _from_labels(read_image(path), path)
        return _from_segments(load_volume(reader, path), segments, path)


def _from_labels(image: sitk.Image, path: Path) -> tuple[sitk.Image, tuple[str, ...]]:
    array = sitk.GetArrayViewFromImage(image)
    found = _values(array, path)
    kept, warnings = _understood(found, path)
    if found <= VERSE_NUMBERS and image.GetPixelID() == sitk.sitkUInt8:
        return image, warnings
    labels = np.zeros(array.shape, np.uint8)
    _paint(labels, array, {n: n for n in kept})
    return Grid.of(image).image(labels), warnings


def _values(array: NDArray[Any], path: Path) -> set[int]:
    """The non-zero label values; looks slice by slice to spare memory."""
    found: set[float] = set()
    for plane in array:
        values = np.unique(plane[plane != 0])
        if not np.all(np.isfinite(values)) or np.any(values != np.rint(values)):
            raise InputError(f"{path} holds values that are not whole numbers; give a label map.")
        found.update(values.tolist())
        if len(found) > 1000:
            raise InputError(f"{path} holds over 1000 different values; give a label map.")
    if not found:
        raise InputError(f"{path} has no labels; give the vertebra segmentation.")
    return {int(v) for v in found}


def _understood(found: set[int], path: Path) -> tuple[set[int], tuple[str, ...]]:
    """The VerSe numbers among the labels; refuses maps that are numbered by another scheme."""
    kept = found & VERSE_NUMBERS
    foreign = sorted(n for n in found - kept if n <= _OWN_PARTS and n != _COCCYX)
    coccyx_fits = not foreign and any(n < _COCCYX - 2 for n in kept)
    if foreign or (_COCCYX in found and not coccyx_fits):
        raise InputError(
            f"{path} has labels {_some(foreign or [_COCCYX])} that are not VerSe numbers"
            " (TotalSegmentator and TotalSpineSeg number differently); convert them"
            " (C1=1 … C7=7, T1=8 … T12=19, L1=20 … L6=25, sacrum=26, T13=28)"
            " or give a .seg.nrrd with vertebra names."
        )
    if not kept:
        raise InputError(
            f"{path} has only labels {_some(sorted(found))}, none of them a VerSe number;"
            " give labels with C1=1 … L5=24, sacrum=26."
        )
    warnings = []
    if ignored := sorted(found - kept):
        warnings.append(f"{path}: labels {_some(ignored)} are not vertebrae and were ignored.")
    for number, neighbours in _RARE.items():
        if number in kept and not kept & neighbours:
            warnings.append(
                f"{path}: label {number} was read as {vertebra_name(number)}, but no neighbour of it"
                " is there; make sure that the labels are VerSe numbers."
            )
    return kept, tuple(warnings)


def _from_segments(
    image: sitk.Image, segments: list[Segment], path: Path
) -> tuple[sitk.Image, tuple[str, ...]]:
    numbers, warnings = numbered_segments(segments, path)
    array = sitk.GetArrayViewFromImage(image)
    layers = array if array.ndim == 4 else array[..., None]
    labels = np.zeros(layers.shape[:3], np.uint8)
    shared = 0
    for number in cranial_to_caudal(set(numbers.values())):
        for segment in (s for s, n in numbers.items() if n == number and s.layer < layers.shape[3]):
            shared += _paint(labels, layers[..., segment.layer], {segment.value: number})
    empty = [n for n in cranial_to_caudal(set(numbers.values())) if not np.any(labels == n)]
    if len(empty) == len(set(numbers.values())):
        raise InputError(f"{path} has vertebra segments, but all are empty; give the finished segmentation.")
    if empty:
        warnings += (f"{path}: {', '.join(map(vertebra_name, empty))} is empty and was ignored.",)
    if shared:
        warnings += (f"{path}: vertebra segments overlap in {shared} voxels, which went to the upper one.",)
    return Grid.of(image).image(labels), warnings


def _paint(labels: NDArray[np.uint8], source: NDArray[Any], numbers: dict[int, int]) -> int:
    """Writes numbers[v] where `source` is v and nothing is written yet; returns voxels already taken."""
    values = np.array(list(numbers), source.dtype)
    taken = 0
    for plane, marks in zip(labels, source, strict=True):
        where = np.isin(marks, values)
        if where.any():
            written = np.array([numbers[int(v)] for v in marks[where]], np.uint8)
            before = plane[where]
            taken += int(np.count_nonzero((before != 0) & (before != written)))
            plane[where] = np.where(before == 0, written, before)
    return taken


def _some(values: list[int]) -> str:
    return ", ".join(map(str, values[:8])) + (", …" if len(values) > 8 else "")
