"""DICOM files and folders: which series they hold, and reading one of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.voxels import array_view
from .dicom_description import series_description
from .dicom_frames import TAGS, Frame, frames_of
from .dicom_order import grid_of, ordered_frames
from .series_choice import SeriesChoice

_MOST_SHOWN = 20
_SCOUT = 3
"""Most slices of a localiser."""
_NOT_IMAGES = {"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "REG"}


@dataclass(frozen=True)
class Series:
    """The files of one DICOM series of one patient with equal image size.

    Attributes:
        description: free text of whoever scanned, or why it is not shown (`series_description`).
        modality: "CT", "MR" and the like.
        rows, columns: voxels of a slice.
        frames: its slices, in no particular order.
        identifier: its Series Instance UID.
    """

    description: str
    modality: str
    rows: int
    columns: int
    frames: tuple[Frame, ...]
    identifier: str

    def __str__(self) -> str:
        count = len(self.frames)
        return f'"{self.description}" ({self.modality}, {count} slice{"s" if count != 1 else ""})'


def find_series(path: Path) -> list[Series]:
    """The image series in a folder and its sub-folders, or in a file, in the order of their descriptions."""
    groups: dict[tuple[str, str, int, int], list[Any]] = {}
    for name in files_in(path):
        header = _header(name)
        if header is not None:
            patient = str(header.get("PatientID"))
            key = (str(header.SeriesInstanceUID), patient, int(header.Rows), int(header.Columns))
            groups.setdefault(key, []).append(header)
    return sorted((_series(headers) for headers in groups.values()), key=str)


def chosen_series(path: Path, choice: SeriesChoice | None = None, takes_files: bool = True) -> Series:
    """The image series at `path` that is meant; `takes_files` says whether another image file would do.

    Raises:
        InputError: there is none, or several fit; the message lists them. Or slices of another patient are
            among those of the one that fits.
    """
    choice = choice or SeriesChoice()
    series = find_series(path)
    if not series:
        file = ", or an image file" if takes_files else ""
        raise InputError(f"{path} holds no DICOM images; give the folder of one series{file}.")
    fitting = _fitting(series, choice)
    if len({_origin(each) for each in fitting}) == 1:
        _refuse_strays(fitting[0], series, path)
        return fitting[0]
    shown = [f"{number}: {each}" for number, each in enumerate(series[:_MOST_SHOWN], 1)]
    listed = "; ".join(shown) + ("; …" if len(series) > _MOST_SHOWN else "")
    mend = f"choose one with {choice.option} by its number or description, or " if choice.option else ""
    wanted = f', of which {len(fitting) or "none"} fit "{choice.wanted}"' if choice.wanted else ""
    raise InputError(
        f"{path} holds {len(series)} DICOM series{wanted}: {listed};"
        f" {mend}give the folder of a single series."
    )


def _refuse_strays(chosen: Series, series: Sequence[Series], path: Path) -> None:
    if sum(_origin(each) == _origin(chosen) for each in series) > 1:
        raise InputError(
            f"The {chosen.modality} series in '{path}' mixes slices with different PatientID; "
            "give the folder of one series as the scanner made it."
        )


def _origin(series: Series) -> tuple[str, int, int]:
    """What the slices of a series have in common, but for the patient."""
    return series.identifier, series.rows, series.columns


def _fitting(series: Sequence[Series], choice: SeriesChoice) -> list[Series]:
    if choice.wanted.isdecimal() and 1 <= int(choice.wanted) <= len(series):
        return [series[int(choice.wanted) - 1]]
    if choice.wanted:
        wanted = choice.wanted.casefold()
        exact = [each for each in series if each.description.casefold() == wanted]
        return exact or [each for each in series if wanted in each.description.casefold()]
    if len(series) == 1 or not choice.modality:
        return list(series)
    own = [each for each in series if each.modality == choice.modality]
    return [each for each in own if len(each.frames) > _SCOUT] or own


def read_series(series: Series, path: Path) -> sitk.Image:
    """The 3-D image of one series in LPS mm, with rescale slope and intercept of every slice applied.

    Raises:
        InputError: slices that do not form one regular volume (see `ordered_frames`), or cannot be read.
    """
    if len(series.frames) == 1:
        raise InputError(f"{path} holds a single DICOM slice; give the folder with the whole series.")
    frames = ordered_frames(series.frames, path)
    array = _in_files(frames, path) if _one_each(frames) else _in_frames(frames, path)
    if array.ndim != 3:
        raise InputError(f"{path} holds colour pictures; give a series with one value per voxel.")
    return grid_of(frames, series.rows, series.columns).image(array)


def files_in(path: Path) -> list[Path]:
    """The file itself, or all files in a folder and its sub-folders."""
    if path.is_file():
        return [path]
    paths = (Path(root) / name for root, _, names in os.walk(path) for name in names)
    return sorted(path for path in paths if path.is_file())  # a pipe would be waited for


def _header(path: Path) -> Any | None:
    """The header of an image file with its path as `filename`; None for anything else."""
    import pydicom  # a quarter of a second that other files need not wait

    bare = path.suffix.lower() in ("", ".dcm", ".ima")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the series is refused in a sentence, or is sound
            header = pydicom.dcmread(path, stop_before_pixels=True, force=bare, specific_tags=TAGS)
        usable = "SeriesInstanceUID" in header and "Rows" in header and "Columns" in header
    except Exception:  # whatever a file that is not DICOM makes pydicom raise
        return None
    return header if usable and header.get("Modality") not in _NOT_IMAGES else None


def _series(headers: Sequence[Any]) -> Series:
    first = headers[0]
    return Series(
        series_description(first),
        str(first.get("Modality") or "?"),
        int(first.Rows),
        int(first.Columns),
        tuple(frame for header in headers for frame in frames_of(header)),
        str(first.SeriesInstanceUID),
    )


def _one_each(frames: Sequence[Frame]) -> bool:
    return len({frame.path for frame in frames}) == len(frames)


def _in_files(frames: Sequence[Frame], path: Path) -> NDArray[Any]:
    """The voxels (z, y, x) of slices with a file each."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(frame.path) for frame in frames])
    if len({frame.rescale for frame in frames}) > 1:
        reader.SetOutputPixelType(sitk.sitkFloat32)
    try:
        return array_view(reader.Execute()).copy()
    except RuntimeError as error:
        raise InputError(f"{path} holds DICOM slices that cannot be read; export them again.") from error


def _in_frames(frames: Sequence[Frame], path: Path) -> NDArray[Any]:
    """The voxels (z, y, x) of slices that are frames of one or a few files."""
    values = {file: _all_frames(file, frames, path) for file in {frame.path for frame in frames}}
    return np.stack([values[frame.path][frame.index] for frame in frames])


def _all_frames(file: Path, frames: Sequence[Frame], path: Path) -> NDArray[Any]:
    """The voxels (frame, y, x) of a file in its own order.

    ITK knows more compressions than pydicom, but applies the rescale of the first frame to all.
    """
    own = [frame for frame in frames if frame.path == file]
    try:
        if len({frame.rescale for frame in frames}) == 1:
            return array_view(sitk.ReadImage(str(file))).copy()
        import pydicom

        stored = pydicom.dcmread(file).pixel_array
    except Exception as error:  # whatever a damaged file or an unknown compression raises
        raise InputError(f"{path} holds a DICOM file that cannot be read; export it again.") from error
    result = np.zeros(stored.shape, np.float32)
    for frame in own:
        slope, intercept = frame.rescale
        result[frame.index] = slope * stored[frame.index].astype(np.float32) + intercept
    return result
