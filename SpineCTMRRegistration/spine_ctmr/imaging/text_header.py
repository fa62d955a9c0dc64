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


def _is_meta_image(start: bytes) -> bool:
    return start.startswith((b"ObjectType", b"NDims"))


def _start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEADER_BYTES)
