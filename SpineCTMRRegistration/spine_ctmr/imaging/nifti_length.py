"""Truncated NIfTI files, which ITK reads without a word."""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path

_BLOCK = 1 << 22


def is_truncated(path: Path) -> bool:
    """Whether a single-file NIfTI (.nii, .nii.gz) holds fewer bytes than its header announces."""
    zipped = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path) if zipped else path.open("rb") as stream:
            expected = _expected_bytes(stream.read(540))
    except (OSError, EOFError):
        return True
    if expected is None:
        return False
    if not zipped:
        return path.stat().st_size < expected
    return _zipped_size_hint(path) != expected % 2**32 and _zipped_bytes(path) < expected


def _expected_bytes(header: bytes) -> int | None:
    """Length of the file by its NIfTI-1 or NIfTI-2 header; None if it is neither."""
    for order in "<>":
        if len(header) >= 348 and struct.unpack_from(order + "i", header)[0] == 348:
            dims = struct.unpack_from(order + "8h", header, 40)
            (bits,) = struct.unpack_from(order + "h", header, 72)
            (offset,) = struct.unpack_from(order + "f", header, 108)
        elif len(header) >= 540 and struct.unpack_from(order + "i", header)[0] == 540:
            dims = struct.unpack_from(order + "8q", header, 16)
            (bits,) = struct.unpack_from(order + "h", header, 14)
            (offset,) = struct.unpack_from(order + "q", header, 168)
        else:
            continue
        return int(offset) + math.prod(dims[1 : dims[0] + 1]) * bits // 8
    return None


def _zipped_size_hint(path: Path) -> int:
    """The uncompressed size modulo 2**32 that the last gzip member ends with."""
    with path.open("rb") as stream:
        stream.seek(-4, 2)
        return int(struct.unpack("<I", stream.read(4))[0])


def _zipped_bytes(path: Path) -> int:
    total = 0
    try:
        with gzip.open(path) as stream:
            while block := stream.read(_BLOCK):
                total += len(block)
    except (OSError, EOFError):
        pass
    return total
