"""What a NIfTI header says that ITK does not pass on: both placements, extensions, and how it is stored."""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

GZIP = b"\x1f\x8b"
_SCANNER = 1
_MM = {1: 1000.0, 2: 1.0, 3: 0.001}
"""Millimetres of a unit of length; unknown ones are taken for millimetres, as everybody does."""
_LARGEST_EXTENSIONS = 1 << 24
_DTYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}


@dataclass(frozen=True)
class NiftiHeader:
    """The header of a single-file NIfTI-1 or NIfTI-2.

    Attributes:
        shape: voxels along every axis, x first.
        spacing_mm: of the voxels along the first three axes; 0 where it is not stored.
        qform: (4, 4) from index to RAS mm; None if its code is 0.
        sform: likewise.
        sform_is_scanner: whether the sform's code says that it is the scanner's own.
        dtype: of the stored values, with their byte order; None for colours, complex and unknown ones.
        bits: of a voxel.
        slope, intercept: what stored values are to be scaled by; slope 0 = not at all; 0 for no number.
        offset: of the first voxel in the file's bytes.
        version: 1 or 2.
        zipped: whether the bytes are a gzip, whatever the file is called.
        extensions: texts after the header.
    """

    shape: tuple[int, ...]
    spacing_mm: tuple[float, float, float]
    qform: NDArray[Any] | None
    sform: NDArray[Any] | None
    sform_is_scanner: bool
    dtype: str | None
    bits: int
    slope: float
    intercept: float
    offset: int
    version: int
    zipped: bool
    extensions: tuple[str, ...]

    @property
    def expected_bytes(self) -> int:
        """Length of the unzipped file."""
        return self.offset + int(np.prod(self.shape, dtype=np.int64)) * self.bits // 8

    @property
    def unplaced(self) -> str:
        """Which of spacing, qform and sform holds NaN or infinite numbers; "" if none does."""
        forms = {"a voxel spacing": self.spacing_mm, "a qform": self.qform, "an sform": self.sform}
        bad = (name for name, values in forms.items() if values is not None and not np.isfinite(values).all())
        return next(bad, "")

    @property
    def has_fractions(self) -> bool:
        """Whether the stored values are floating point."""
        return self.dtype is not None and self.dtype[1] == "f"


def is_zipped(path: Path) -> bool:
    """Whether a file's bytes are a gzip."""
    with path.open("rb") as stream:
        return stream.read(2) == GZIP


def open_unzipped(path: Path) -> BinaryIO:
    """The file's bytes, unzipped if they are a gzip."""
    return gzip.open(path) if is_zipped(path) else path.open("rb")  # type: ignore[return-value]


def read_nifti_header(path: Path) -> NiftiHeader | None:
    """The header of a file, or None if it is not a single-file NIfTI.

    Raises:
        OSError: the bytes cannot be read (EOFError: the gzip ends too early).
    """
    with open_unzipped(path) as stream:
        start = stream.read(540)
        fields = _fields(start)
        if fields is None:
            return None
        rest = stream.read(min(max(0, fields["offset"] - len(start)), _LARGEST_EXTENSIONS))
    shape = tuple(int(n) for n in fields["dim"][1 : 1 + max(0, min(7, fields["dim"][0]))])
    dtype = _DTYPES.get(fields["datatype"])
    x, y, z = (_MM.get(fields["unit"] & 7, 1.0) * abs(float(v)) for v in fields["pixdim"][1:4])
    return NiftiHeader(
        shape=shape,
        spacing_mm=(x, y, z),
        qform=_in_mm(_qform(fields), fields) if fields["qform_code"] > 0 else None,
        sform=_in_mm(fields["srow"], fields) if fields["sform_code"] > 0 else None,
        sform_is_scanner=fields["sform_code"] == _SCANNER,
        dtype=None if dtype is None else fields["order"] + dtype,
        bits=fields["bits"],
        slope=_finite(fields["slope"]),
        intercept=_finite(fields["intercept"]),
        offset=fields["offset"],
        version=1 if fields["size"] == 348 else 2,
        zipped=is_zipped(path),
        extensions=_extensions((start + rest)[fields["size"] : fields["offset"]], fields["order"]),
    )


def _finite(value: float) -> float:
    return value if np.isfinite(value) else 0.0


def _fields(start: bytes) -> dict[str, Any] | None:
    """The fields of a NIfTI-1 or NIfTI-2 header by name."""
    for order in "<>":
        if (
            len(start) >= 348
            and struct.unpack_from(order + "i", start)[0] == 348
            and start[344:347] == b"n+1"
        ):
            return _nifti1(start, order)
        if len(start) >= 540 and struct.unpack_from(order + "i", start)[0] == 540:
            return _nifti2(start, order)
    return None


def _nifti1(start: bytes, order: str) -> dict[str, Any]:
    def at(offset: int, code: str) -> tuple[Any, ...]:
        return struct.unpack_from(order + code, start, offset)

    offset, slope, intercept = at(108, "3f")
    return {
        "order": order,
        "size": 348,
        "dim": at(40, "8h"),
        "datatype": at(70, "h")[0],
        "bits": at(72, "h")[0],
        "pixdim": at(76, "8f"),
        "offset": int(offset),
        "slope": slope,
        "intercept": intercept,
        "qform_code": at(252, "h")[0],
        "sform_code": at(254, "h")[0],
        "quaternion": at(256, "3f"),
        "shift": at(268, "3f"),
        "srow": np.array(at(280, "12f")).reshape(3, 4),
        "unit": at(123, "B")[0],
    }


def _nifti2(start: bytes, order: str) -> dict[str, Any]:
    def at(offset: int, code: str) -> tuple[Any, ...]:
        return struct.unpack_from(order + code, start, offset)

    return {
        "order": order,
        "size": 540,
        "datatype": at(12, "h")[0],
        "bits": at(14, "h")[0],
        "dim": at(16, "8q"),
        "pixdim": at(104, "8d"),
        "offset": at(168, "q")[0],
        "slope": at(176, "d")[0],
        "intercept": at(184, "d")[0],
        "qform_code": at(344, "i")[0],
        "sform_code": at(348, "i")[0],
        "quaternion": at(352, "3d"),
        "shift": at(376, "3d"),
        "srow": np.array(at(400, "12d")).reshape(3, 4),
        "unit": at(500, "i")[0],
    }


def _qform(fields: dict[str, Any]) -> NDArray[Any]:
    """The first three rows (3, 4) of a quaternion's matrix, by the NIfTI-1 standard's method 2."""
    b, c, d = fields["quaternion"]
    a = float(np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    steps = np.abs(fields["pixdim"][1:4]) * [1, 1, -1 if fields["pixdim"][0] < 0 else 1]
    return np.column_stack([rotation * steps, fields["shift"]])


def _in_mm(rows: NDArray[Any], fields: dict[str, Any]) -> NDArray[Any]:
    """The first three rows (3, 4) of a matrix in the header's unit as a matrix (4, 4) in mm."""
    return np.vstack([_MM.get(fields["unit"] & 7, 1.0) * rows, [0, 0, 0, 1]])


def _extensions(content: bytes, order: str) -> tuple[str, ...]:
    """The texts between header and voxels: 4 bytes say whether there are any, then size, code, content."""
    texts, place = [], 4
    while content[:1] == b"\x01" and place + 8 <= len(content):
        (size,) = struct.unpack_from(order + "i", content, place)
        if size < 16 or place + size > len(content):
            break
        texts.append(content[place + 8 : place + size].rstrip(b"\0").decode("utf-8", "replace"))
        place += size
    return tuple(texts)
