"""What the text header of an NRRD or MetaImage file says, as far as ITK must not be asked."""

from __future__ import annotations

import re
from pathlib import Path

_HEADER_BYTES = 1 << 16
_KEYS = {
    b"NRRD": (b"space directions:", b"spacings:"),
    b"ObjectType": (b"ElementSpacing", b"ElementSize"),
    b"NDims": (b"ElementSpacing", b"ElementSize"),
}
"""What a header begins with, and the lines of which it must have one."""
_LONGEST_FIELD = 500
"""Characters of a line of an NRRD header that is no free pair of key and value; longer ones may crash ITK."""
_FRAMES = (
    "right-anterior-superior",
    "ras",
    "left-anterior-superior",
    "las",
    "left-posterior-superior",
    "lps",
)
"""Values of an NRRD's `space` that say which side is left."""
_MM = ("", "mm", "millimeter", "millimeters", "millimetre", "millimetres", "none", "???")
_MOST_AXES = 10
"""Of a MetaImage; ITK crashes on more."""


def lacks_spacing(path: Path) -> bool:
    """Whether an NRRD or MetaImage file has no voxel spacing; ITK takes 1 mm then."""
    start = _start(path)
    keys = next((keys for magic, keys in _KEYS.items() if start.startswith(magic)), None)
    return keys is not None and not any(key in start for key in keys)


def is_damaged(path: Path) -> bool:
    """Whether an NRRD or MetaImage header holds what no program writes and ITK may crash on."""
    start = _start(path)
    if start.startswith(b"NRRD"):
        fields = (line for line in start.partition(b"\n\n")[0].split(b"\n") if b":=" not in line)
        return any(len(line) > _LONGEST_FIELD for line in fields)
    axes = re.search(rb"^NDims\s*=\s*(\d{1,9})", start, re.MULTILINE) if _is_meta_image(start) else None
    return axes is not None and int(axes[1]) > _MOST_AXES


def other_unit(path: Path) -> str:
    """The unit in which an NRRD file gives its places, if that is not mm; ITK takes every number for mm."""
    fields = _nrrd_fields(path)
    stated = " ".join(fields.get(key, "") for key in ("space units", "units"))
    quoted = re.findall(r'"([^"]*)"', stated) or stated.split()
    return next((unit for unit in quoted if unit.strip().lower() not in _MM), "")


def lacks_frame(path: Path) -> bool:
    """Whether an NRRD file does not say which side is left; ITK takes its axes for LPS."""
    fields = _nrrd_fields(path)
    return bool(fields) and fields.get("space", "").lower() not in _FRAMES


def _nrrd_fields(path: Path) -> dict[str, str]:
    """The fields of an NRRD header; none of another file."""
    start = _start(path)
    if not start.startswith(b"NRRD"):
        return {}
    lines = re.split(r"\r?\n\r?\n", start.decode("latin-1"), maxsplit=1)[0].splitlines()[1:]
    pairs = (line.partition(": ") for line in lines if ":=" not in line and not line.startswith("#"))
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _is_meta_image(start: bytes) -> bool:
    return start.startswith((b"ObjectType", b"NDims"))


def _start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEADER_BYTES)
