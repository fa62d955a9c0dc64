"""DICOM folders: which series they hold, and reading one of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError

_TAGS: list[Any] = [
    "SeriesInstanceUID",
    "SeriesDescription",
    "Modality",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "RescaleSlope",
    "RescaleIntercept",
    "SpecificCharacterSet",
]
_NOT_IMAGES = {"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "REG"}
_UNEVEN = 0.1
"""Largest deviation of a slice gap from the usual gap that is still one volume."""


@dataclass(frozen=True)
class Slice:
    """One DICOM file: LPS mm position of its first voxel, row and column directions, scaling."""

    path: Path
    frames: int
    position_mm: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    rescale: tuple[float, float]


@dataclass(frozen=True)
class Series:
    """The files of one DICOM series with equal image size."""

    description: str
    modality: str
    slices: tuple[Slice, ...]

    def __str__(self) -> str:
        count = sum(s.frames for s in self.slices)
        return f'"{self.description}" ({self.modality}, {count} slice{"s" if count != 1 else ""})'


def find_series(folder: Path) -> list[Series]:
    """The image series in `folder` and its sub-folders, in the order of their descriptions."""
    groups: dict[tuple[str, int, int], list[Any]] = {}
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            header = _header(Path(root) / name)
            if header is not None:
                key = (str(header.SeriesInstanceUID), int(header.Rows), int(header.Columns))
                groups.setdefault(key, []).append(header)
    return sorted((_series(headers) for headers in groups.values()), key=str)


def single_series(folder: Path) -> Series:
    """The one image series in `folder`; raises InputError that lists them otherwise."""
    series = find_series(folder)
    if not series:
        raise InputError(f"{folder} holds no DICOM images; give the folder of one series, or an image file.")
    if len(series) > 1:
        found = "; ".join(str(s) for s in series[:12]) + ("; …" if len(series) > 12 else "")
        raise InputError(
            f"{folder} holds {len(series)} DICOM series: {found}; give the folder of a single series."
        )
    return series[0]


def read_series(series: Series, folder: Path) -> sitk.Image:
    """The 3-D image of one series in LPS mm, with rescale slope and intercept applied.

    Raises:
        InputError: slices that are missing, doubled, uneven, tilted, unreadable or have no position.
    """
    if len(series.slices) == 1:
        return _read_one(series.slices[0], folder)
    slices = ordered_slices(series.slices, folder)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(s.path) for s in slices])
    if len({s.rescale for s in slices}) > 1:
        reader.SetOutputPixelType(sitk.sitkFloat32)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{folder} holds DICOM slices that cannot be read; export them again.") from error
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{folder} holds colour pictures; give a series with one value per voxel.")
    for key in image.GetMetaDataKeys():
        image.EraseMetaData(key)
    return image


def ordered_slices(slices: Sequence[Slice], folder: Path) -> list[Slice]:
    """Slices sorted along their normal as in the image, checked to form one regular volume.

    Raises:
        InputError: slices that are missing, doubled, uneven, tilted or have no position.
    """
    if any(s.position_mm is None or s.orientation is None for s in slices):
        raise InputError(f"{folder} holds DICOM slices without a position; export the original series.")
    orientations = np.array([s.orientation for s in slices])
    if np.abs(orientations - orientations[0]).max() > 1e-3:
        raise InputError(f"{folder} holds slices that are not parallel; give a single stack of slices.")
    positions = np.array([s.position_mm for s in slices])
    normal = np.cross(orientations[0, :3], orientations[0, 3:])
    order = np.argsort(positions @ normal, kind="stable")
    _check_gaps(positions[order], normal, folder)
    return [slices[i] for i in order]


def _header(path: Path) -> Any | None:
    """The header of an image file with its path as `filename`; None for anything else."""
    import pydicom  # a quarter of a second that other files need not wait

    bare = path.suffix.lower() in ("", ".dcm", ".ima")
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, force=bare, specific_tags=_TAGS)
        usable = "SeriesInstanceUID" in header and "Rows" in header and "Columns" in header
    except Exception:  # whatever a file that is not DICOM makes pydicom raise
        return None
    return header if usable and header.get("Modality") not in _NOT_IMAGES else None


def _series(headers: Sequence[Any]) -> Series:
    first = headers[0]
    description = " ".join(str(first.get("SeriesDescription") or "no description").split())
    return Series(description, str(first.get("Modality") or "?"), tuple(_slice(h) for h in headers))


def _slice(header: Any) -> Slice:
    position, orientation = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
    return Slice(
        Path(header.filename),
        int(header.get("NumberOfFrames") or 1),
        tuple(float(v) for v in position) if position else None,
        tuple(float(v) for v in orientation) if orientation else None,
        (float(header.get("RescaleSlope") or 1), float(header.get("RescaleIntercept") or 0)),
    )


def _read_one(only: Slice, folder: Path) -> sitk.Image:
    try:
        image = sitk.ReadImage(str(only.path))
    except RuntimeError as error:
        raise InputError(f"{folder} holds a DICOM file that cannot be read; export it again.") from error
    if image.GetDimension() != 3 or image.GetSize()[2] == 1 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{folder} holds a single DICOM slice; give the folder with the whole series.")
    return image


def _check_gaps(positions: NDArray[Any], normal: NDArray[Any], folder: Path) -> None:
    gaps = np.diff(positions @ normal)
    usual = float(np.median(gaps))
    if gaps.min() < 0.01:
        raise InputError(
            f"{folder} holds several slices at one position (phases, echoes or copies);"
            " give a folder with one image per position."
        )
    sideways = np.linalg.norm(np.diff(positions, axis=0) - gaps[:, None] * normal, axis=1)
    if sideways.max() > 0.05 * usual + 0.01:
        raise InputError(f"{folder} has tilted slices (gantry tilt); resample it to a regular grid.")
    worst = int(np.argmax(np.abs(gaps - usual)))
    if abs(gaps[worst] - usual) > _UNEVEN * usual:
        raise InputError(
            f"{folder} has missing or unevenly spaced slices (a gap of {gaps[worst]:.2f} mm"
            f" where {usual:.2f} mm is usual); export the complete series."
        )
