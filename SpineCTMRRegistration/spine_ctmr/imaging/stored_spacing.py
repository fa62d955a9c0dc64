"""Whether a file says how large its voxels are; ITK takes 1 mm where it does not."""

from __future__ import annotations

from pathlib import Path

_HEADER_BYTES = 1 << 16
_KEYS = {
    b"NRRD": (b"space directions:", b"spacings:"),
    b"ObjectType": (b"ElementSpacing", b"ElementSize"),
    b"NDims": (b"ElementSpacing", b"ElementSize"),
}
"""What a header begins with, and the lines of which it must have one."""


def lacks_spacing(path: Path) -> bool:
    """Whether an NRRD or MetaImage file has no voxel spacing."""
    with path.open("rb") as stream:
        start = stream.read(_HEADER_BYTES)
    keys = next((keys for magic, keys in _KEYS.items() if start.startswith(magic)), None)
    return keys is not None and not any(key in start for key in keys)
