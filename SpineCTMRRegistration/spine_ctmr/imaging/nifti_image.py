"""The voxels of a NIfTI file.

ITK reads files that end too early or whose checksum fails without a word, takes the voxels of `a.nii.gz` from
an `a.nii` beside it, makes NaN 0, and does not know NIfTI-2.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .nifti_header import NiftiHeader, open_unzipped
from .nifti_placement import placed_by

_BLOCK = 1 << 22
_STRANGE_END = "Not a gzipped file"
"""So Python's gzip complains of bytes behind the last member, which other programs leave alone."""


def read_voxels(path: Path, header: NiftiHeader) -> sitk.Image:
    """The 3-D image of a file with one number per voxel, in LPS mm.

    Raises:
        InputError: it is not 3-D, its values are no numbers, it ends too early or is damaged.
    """
    shape = header.shape[:3]
    if len(shape) != 3 or set(header.shape[3:]) - {1}:
        size = "×".join(map(str, header.shape))
        raise InputError(f"{path} is {len(header.shape)}-D with size {size}; give one 3-D volume.")
    if header.dtype is None:
        raise InputError(f"{path} holds colours or complex numbers; give an image with one value per voxel.")
    stored = np.frombuffer(_content(path, header), header.dtype).reshape(shape[::-1])
    values = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if header.slope not in (0.0, 1.0) or (header.slope == 1.0 and header.intercept != 0.0):
        exact = values.dtype if values.dtype.kind == "f" else np.float32
        values = (values * header.slope + header.intercept).astype(exact)
    return placed_by(header).image(values)


def _content(path: Path, header: NiftiHeader) -> bytes:
    """The bytes of the voxels, the checksum of a gzip tried.

    Raises:
        InputError: the file ends too early, or is damaged.
    """
    if not header.zipped and path.stat().st_size < header.expected_bytes:
        raise InputError(truncated(path))
    try:
        with open_unzipped(path) as stream:
            stream.seek(header.offset)
            data = stream.read(header.expected_bytes - header.offset)
            if len(data) < header.expected_bytes - header.offset:
                raise InputError(truncated(path))
            _read_to_end(stream)
    except EOFError as error:
        raise InputError(truncated(path)) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path} is damaged (its checksum fails); copy or export it again.") from error
    return data


def _read_to_end(stream: BinaryIO) -> None:
    try:
        while stream.read(_BLOCK):
            pass
    except gzip.BadGzipFile as error:
        if not str(error).startswith(_STRANGE_END):
            raise


def truncated(path: Path) -> str:
    """What a user is told of a file that ends too early."""
    return f"{path} is incomplete (truncated); copy or export it again."
