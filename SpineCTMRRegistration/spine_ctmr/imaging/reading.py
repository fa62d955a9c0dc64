"""Reading one scalar 3-D image from a file or a DICOM folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from ..process.untrusted import reads_untrusted
from .nifti_header import NiftiHeader, read_nifti_header
from .nifti_image import read_voxels, truncated
from .nifti_placement import check_placement
from .series_choice import SeriesChoice
from .text_header import is_damaged, lacks_frame, lacks_spacing, other_unit

FORMATS = "NIfTI, NRRD, MetaImage or a folder with one DICOM series"
_PAIR = (".hdr", ".img")
_COMPLEX = (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64)


@dataclass(frozen=True)
class Scan:
    """One image as it was read.

    Attributes:
        image: scalar, 3-D, LPS mm, with its original pixel type.
        description: what the file says of itself, without a name; "" if nothing.
        warnings: what was noticed, one sentence each.
    """

    image: sitk.Image
    description: str = ""
    warnings: tuple[str, ...] = ()


def read_image(path: Path) -> sitk.Image:
    """The image of `read_scan`."""
    return read_scan(path).image


@reads_untrusted
def read_scan(path: Path, series: SeriesChoice | None = None) -> Scan:
    """The scalar 3-D image at `path`.

    Args:
        path: NIfTI, NRRD, MetaImage or multi-frame DICOM file, or a folder (searched with its
            sub-folders) that holds a DICOM series. A fourth axis of length one is dropped.
        series: which one, if the folder holds several.

    Raises:
        InputError: nothing there, unreadable, truncated, not 3-D, not scalar, without a voxel spacing, with
            placements that disagree, or a DICOM folder without exactly one evenly spaced series that fits.
    """
    path = Path(path)
    with quiet_itk():
        if path.is_dir() or is_dicom(path):
            from .dicom import chosen_series, read_series  # pydicom is needed for DICOM alone

            chosen = chosen_series(path, series)
            return Scan(read_series(chosen, path), str(chosen))
        header = _nifti_header(path)
        if header is not None and (header.dtype is not None or header.version == 2):
            image = read_voxels(path, header)
        else:
            reader = open_volume(path)
            check_scalar(reader.GetPixelID(), reader.GetNumberOfComponents(), path)
            image = load_volume(reader, path)
        warnings = _frame(path) if header is None else check_placement(path, header, Grid.of(image))
    return Scan(image, warnings=warnings)


def _frame(path: Path) -> tuple[str, ...]:
    """A warning about a file other than NIfTI that does not say where it lies, if it does not."""
    if not lacks_frame(path):
        return ()
    return (
        f"{path} does not say which side is left (its 'space' is none that is known): "
        "its axes were taken for left, posterior and head.",
    )


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keeps ITK's warnings off standard error."""
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)


def open_volume(path: Path) -> sitk.ImageFileReader:
    """A reader with the header of a 3-D file read and no voxels yet.

    Raises:
        InputError: missing, unreadable, truncated or not 3-D.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the path.")
    if is_damaged(path):
        raise InputError(f"{path} has a damaged header; copy or export it again.")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(_unreadable(path, str(error))) from error
    size = reader.GetSize()
    check_dimensions(size, path)
    if len(size) == 4:
        reader.SetExtractSize([*size[:3], 0])
    if size[2] == 1 and "0008|0018" in reader.GetMetaDataKeys():
        raise InputError(f"{path} is a single DICOM slice; give the folder that holds the whole series.")
    if lacks_spacing(path):
        raise InputError(f"{path} has no voxel spacing; correct its header or export it again.")
    if unit := other_unit(path):
        raise InputError(f'{path} gives its places in "{unit}"; save it in mm.')
    return reader


def load_volume(reader: sitk.ImageFileReader, path: Path) -> sitk.Image:
    """The voxels of an opened volume; raises InputError when they cannot be read."""
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{path} cannot be read to its end; copy or export it again.") from error


def check_dimensions(size: Sequence[int], source: Path | str) -> None:
    """Raises InputError if an image from `source` is no 3-D volume; a fourth axis of length one is none."""
    if len(size) != 3 and not (len(size) == 4 and size[3] == 1):
        raise InputError(f"{source} is {len(size)}-D with size {_times(size)}; give one 3-D volume.")


def _nifti_header(path: Path) -> NiftiHeader | None:
    """The header of a NIfTI file with a voxel spacing; None for other files."""
    if not path.is_file():
        return None
    if path.name.lower().removesuffix(".gz").endswith(_PAIR):
        raise InputError(
            f"{path} is half of a pair of files (.hdr and .img), which says too little of its place; "
            "save it as .nii.gz."
        )
    try:
        header = read_nifti_header(path)
    except EOFError as error:  # the gzip ends within the header
        raise InputError(truncated(path)) from error
    if header is not None and (form := header.unplaced):
        raise InputError(f"{path} has {form} that is no number (NaN); correct its header or export it again.")
    if header is not None and min(header.spacing_mm) <= 0:
        raise InputError(f"{path} has no voxel spacing; correct its header or export it again.")
    return header


def check_scalar(pixel_id: int, components: int, source: Path | str) -> None:
    """Raises InputError if an image from `source` has not one real value per voxel."""
    if pixel_id in _COMPLEX:
        raise InputError(f"{source} holds complex numbers; export the magnitude image.")
    if components != 1:
        kind = "colours or vectors" if components in (3, 4) else "vectors"
        raise InputError(
            f"{source} holds {kind} ({components} values per voxel); give an image with one value per voxel."
        )


def _unreadable(path: Path, error: str) -> str:
    if path.stat().st_size == 0:
        return f"{path} is empty; copy or export it again."
    if "orthonormal" in error:
        return f"{path} has axes that are not at right angles; resample it to a regular grid."
    return f"{path} is damaged or of unknown format; give {FORMATS}."


def _times(size: Sequence[int]) -> str:
    return "×".join(str(n) for n in size)
