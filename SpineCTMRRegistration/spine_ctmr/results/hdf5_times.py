"""Takes the time of writing out of an HDF5 file, so that the same content gives the same bytes.

HDF5 File Format Specification 3.0, section IV.A.1.b (object headers of version 2). ITK offers no option.
"""

from __future__ import annotations

import struct
from pathlib import Path

SIGNATURE, VERSION = b"OHDR", 2
HAS_TIMES, HAS_PHASES, SIZE_OF_LENGTH = 0x20, 0x10, 0x03
TIMES = slice(6, 22)
"""Access, modification, change and birth, seconds since 1970."""
_MASK = 0xFFFFFFFF


def without_times(path: Path) -> None:
    """Set the times in all object headers of an HDF5 file to zero."""
    with path.open("r+b") as stream:
        content = stream.read()
        place = content.find(SIGNATURE)
        while place >= 0:
            end = _checksum_at(content, place)
            if end is not None:
                timeless = (
                    content[place : place + TIMES.start] + bytes(16) + content[place + TIMES.stop : end]
                )
                stream.seek(place)
                stream.write(timeless + struct.pack("<I", lookup3(timeless)))
            place = content.find(SIGNATURE, place + 1)


def lookup3(key: bytes) -> int:
    """Bob Jenkins' hash (2006) that secures HDF5 metadata."""
    a = b = c = (0xDEADBEEF + len(key)) & _MASK
    whole = max(0, (len(key) - 1) // 12) * 12
    for first, second, third in struct.iter_unpack("<III", key[:whole]):
        a, b, c = _mixed((a + first) & _MASK, (b + second) & _MASK, (c + third) & _MASK)
    rest = key[whole:]
    if not rest:
        return c
    first, second, third = struct.unpack("<III", rest.ljust(12, b"\0"))
    return _finished((a + first) & _MASK, (b + second) & _MASK, (c + third) & _MASK)


def _checksum_at(content: bytes, place: int) -> int | None:
    """Where the checksum of an object header with times lies; None for anything else."""
    if len(content) < place + TIMES.stop + 12 or content[place + 4] != VERSION:
        return None
    flags = content[place + 5]
    if not flags & HAS_TIMES:
        return None
    start = place + TIMES.stop + (4 if flags & HAS_PHASES else 0)
    width = 1 << (flags & SIZE_OF_LENGTH)
    end = start + width + int.from_bytes(content[start : start + width], "little")
    stored = content[end : end + 4]
    if end > len(content) - 4 or stored != struct.pack("<I", lookup3(content[place:end])):
        return None
    return end


def _rotated(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _MASK) ^ _rotated(c, bits)
        c = (c + b) & _MASK
        a, b, c = b, c, a
    return a, b, c


def _finished(a: int, b: int, c: int) -> int:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotated(b, bits)) & _MASK
        a, b, c = b, c, a
    return b
