"""Vertebra label maps in VerSe numbers, from whatever a segmentation comes as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from ..process.untrusted import reads_untrusted
from .case import VertebraLabels
from .in_memory import volume_in_memory
from .label_map import vertebrae_in
from .label_schemes import LabelScheme
from .mask_folder import read_masks, vertebra_masks
from .named_masks import joined
from .reading import Scan, is_dicom, load_volume, open_volume, quiet_itk, read_scan
from .slicer_segments import Segment, segments_of

OPTION = "--label-scheme"
_SLICER = {".nrrd", ".nhdr"}
"""Formats in which 3D Slicer stores segmentations."""


@reads_untrusted
def read_vertebrae(path: Path, scheme: LabelScheme | None = None, option: str = OPTION) -> VertebraLabels:
    """The vertebrae of the segmentation at `path`.

    Args:
        path: label map (NIfTI, NRRD, MetaImage), Slicer `.seg.nrrd` whose segments have vertebra names, DICOM
            Segmentation (a file, or a folder that holds one), or folder with a mask for each vertebra.
        scheme: how labels are numbered; None to recognise it.
        option: of the command line that says the scheme, for messages.

    Raises:
        InputError: not readable, not a label map, without any recognisable vertebra, labels that fit several
            schemes, or that cannot be the vertebrae that they are said to be.
    """
    path = Path(path)
    if path.is_dir() and (masks := vertebra_masks(path)):
        return read_masks(masks, path)
    if path.is_dir() or is_dicom(path):
        from .dicom_seg import find_segmentation, read_segmentation  # pydicom is needed for DICOM alone

        if (segmentation := find_segmentation(path)) is not None:
            return read_segmentation(segmentation, scheme, option)
    if path.suffix.lower() in _SLICER:
        with quiet_itk():
            reader = open_volume(path)
            segments = segments_of(reader, reader.GetNumberOfComponents(), path)
            if segments is not None:
                return _from_segments(load_volume(reader, path), segments, path, scheme, option)
    return vertebrae_in(read_scan(path), path, scheme, option)


def vertebrae_in_memory(
    image: sitk.Image, name: str, scheme: LabelScheme | None = None, option: str = OPTION
) -> VertebraLabels:
    """The vertebrae of a segmentation in memory, taken as `read_vertebrae` takes that of a file.

    Args:
        image: label map, or a Slicer segmentation read with its header.
        name: what to call it in messages.
        scheme: how labels are numbered; None to recognise it.
        option: that says the scheme, for messages.

    Raises:
        InputError: as `read_vertebrae`.
    """
    segments = segments_of(image, image.GetNumberOfComponentsPerPixel(), Path(name))
    if segments is None:
        return vertebrae_in(Scan(volume_in_memory(image, name)), Path(name), scheme, option)
    return _from_segments(image, segments, Path(name), scheme, option)


def _from_segments(
    image: sitk.Image, segments: list[Segment], path: Path, scheme: LabelScheme | None, option: str
) -> VertebraLabels:
    array = array_view(image)
    layers = array if array.ndim == 4 else array[..., None]
    found = [segment for segment in segments if segment.layer < layers.shape[3]]

    def mask(segment: Segment) -> NDArray[Any]:
        return layers[..., segment.layer] == segment.value

    return joined(found, mask, Grid.of(image), path, scheme, option)
