"""NIfTI voxels that ITK cannot read or would change, and files that end too early."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .nifti_header import NiftiHeader, open_unzipped
from .nifti_placement import placed_by

_BLOCK = 1 << 22


def itk_reads(path: Path, header: NiftiHeader) -> bool:
    """Whether ITK can read the voxels as they are.

    It does not read NIfTI-2, nor a gzip whose name does not say so, and makes NaN and infinite values 0.
    """
    misnamed = header.zipped and not path.name.lower().endswith(".gz")
    return header.version == 1 and not misnamed and not header.has_fractions


def read_voxels(path: Path, header: NiftiHeader) -> sitk.Image:
    """The 3-D image of a file with one number per voxel, in LPS mm.

    Raises:
        InputError: it is not 3-D, or its values are no numbers.
    """
    shape = header.shape[:-1] if len(header.shape) == 4 and header.shape[3] == 1 else header.shape
    if len(shape) != 3:
        size = "×".join(map(str, header.shape))
        raise InputError(f"{path} is {len(header.shape)}-D with size {size}; give one 3-D volume.")
    if header.dtype is None:
        raise InputError(f"{path} holds colours or complex numbers; give an image with one value per voxel.")
    with open_unzipped(path) as stream:
        stream.seek(header.offset)
        data = stream.read(header.expected_bytes - header.offset)
    stored = np.frombuffer(data, header.dtype).reshape(shape[::-1])
    values = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if header.slope not in (0.0, 1.0) or (header.slope == 1.0 and header.intercept != 0.0):
        exact = values.dtype if values.dtype.kind == "f" else np.float32
        values = (values * header.slope + header.intercept).astype(exact)
    return placed_by(header).image(values)


def is_truncated(path: Path, header: NiftiHeader) -> bool:
    """Whether a file holds fewer bytes than its header announces, which ITK reads without a word."""
    if not header.zipped:
        return path.stat().st_size < header.expected_bytes
    with path.open("rb") as stream:
        stream.seek(-4, 2)
        (size_hint,) = struct.unpack("<I", stream.read(4))  # of the last gzip member, modulo 2**32
    return size_hint != header.expected_bytes % 2**32 and _unzipped_bytes(path) < header.expected_bytes


def _unzipped_bytes(path: Path) -> int:
    total = 0
    try:
        with open_unzipped(path) as stream:
            while block := stream.read(_BLOCK):
                total += len(block)
    except (OSError, EOFError):
        pass
    return total
