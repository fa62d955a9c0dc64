"""Keeps file paths, which often hold patient names, out of what is handed around."""

from __future__ import annotations

import re

_SEPARATOR = r"[\\/]"
_QUOTED = re.compile(r"(['\"`])(?:[A-Za-z]:|~|file:)?[\\/][^'\"`\n]*\1")
_KNOWN = r"\.(?:nii(?:\.gz)?|seg\.nrrd|nrrd|mha|mhd|dcm|json|fcsv|h5|tfm|stl)\b"
_ENDED = re.compile(
    rf"(?<![\w.)\]<])(?:file:)?(?:[A-Za-z]:|~|\.{{1,2}})?{_SEPARATOR}(?=\S)(?:(?!:\s)[^\n\"'<>|])*?{_KNOWN}",
    re.IGNORECASE,
)
"""A path whose end is known by its suffix, whatever blanks are inside."""
_ABSOLUTE = re.compile(
    rf"(?<![\w.)\]<])(?:file:)?(?:[A-Za-z]:|~|\.{{1,2}})?{_SEPARATOR}(?=\S)(?:[^\\/\n\"'<>|:]*{_SEPARATOR})*[^\s\\/\"'<>|,;]*"
)
_FILE = re.compile(rf"[^\s\"'`<>|]+{_KNOWN}", re.IGNORECASE)


def without_paths(text: str) -> str:
    """`text` with absolute paths, and files of known kinds with the folders before them, as "[file]"."""
    for pattern in (_QUOTED, _ENDED, _ABSOLUTE, _FILE):
        text = pattern.sub("[file]", text)
    return text
