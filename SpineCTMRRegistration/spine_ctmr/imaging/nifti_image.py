"""The voxels of a NIfTI file.

ITK reads files that end too early or whose checksum fails without a word, takes the voxels of `a.nii.gz` from
an `a.nii` beside it, makes NaN 0, and does not know NIfTI-2.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .nifti_header import GZIP, NiftiHeader
from .nifti_placement import placed_by

_BLOCK = 1 << 16
"""Bytes of a gzip read at once: at most 70 MB when unpacked."""
_GZIP_MEMBER = zlib.MAX_WBITS | 16
_MOST_PACKED = 1100
"""A gzip is never smaller than its content by more than about 1030 times."""


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
    count = int(np.prod(shape, dtype=np.int64))
    stored = np.frombuffer(_content(path, header), header.dtype, count, header.offset).reshape(shape[::-1])
    values = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if header.slope not in (0.0, 1.0) or (header.slope == 1.0 and header.intercept != 0.0):
        exact = values.dtype if values.dtype.kind == "f" else np.float32
        values = (values * header.slope + header.intercept).astype(exact)
    return placed_by(header).image(values)


def _content(path: Path, header: NiftiHeader) -> bytes | bytearray:
    """The bytes of the file as far as its header goes, the checksum of a gzip tried.

    Raises:
        InputError: the file ends too early, or is damaged.
    """
    most = path.stat().st_size * (_MOST_PACKED if header.zipped else 1)
    if most < header.expected_bytes:
        raise InputError(truncated(path))
    if not header.zipped:
        return path.read_bytes()
    content, filled = bytearray(header.expected_bytes), 0
    try:
        for part in _unzipped(path):
            kept = part[: len(content) - filled]
            content[filled : filled + len(kept)] = kept
            filled += len(kept)
    except zlib.error as error:
        raise InputError(f"{path} is damaged (its checksum fails); copy or export it again.") from error
    if filled < len(content):
        raise InputError(truncated(path))
    return content


def _unzipped(path: Path) -> Iterator[bytes]:
    """The bytes of a gzip in parts, as far as it goes; Python's own reader takes twice as long.

    Raises:
        zlib.error: it is damaged.
    """
    with path.open("rb") as stream:
        member = zlib.decompressobj(_GZIP_MEMBER)
        while block := stream.read(_BLOCK):
            while block:
                yield member.decompress(block)
                block = member.unused_data
                if member.eof:
                    block += stream.read(len(GZIP)) if len(block) < len(GZIP) else b""
                    if not block.startswith(GZIP):
                        return  # its end, or strange bytes, which other programs leave alone
                    member = zlib.decompressobj(_GZIP_MEMBER)


def truncated(path: Path) -> str:
    """What a user is told of a file that ends too early."""
    return f"{path} is incomplete (truncated); copy or export it again."
