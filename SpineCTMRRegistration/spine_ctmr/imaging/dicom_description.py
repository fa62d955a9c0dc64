"""What a DICOM file says of its series, without who the patient is."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

IDENTITY: list[Any] = [
    "PatientName",
    "PatientBirthName",
    "PatientID",
    "OtherPatientIDs",
    "OtherPatientNames",
    "AccessionNumber",
]
"""Attributes whose words a description must not hold."""
UNDESCRIBED, WITHHELD = "no description", "description withheld: it may name the patient"
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d{6}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2})(?!\d)"
)
_INITIAL, _SHORT_NUMBER, _TELLING = 1, 2, 5
"""Characters up to which letters and digits tell nobody, and from which on they are sought within words."""


def series_description(header: Any) -> str:
    """The series description of a header (pydicom dataset), or why there is none.

    It is withheld as a whole if it holds a part of the patient's name or numbers, or a date.
    """
    text = " ".join(str(header.get("SeriesDescription") or "").split())
    if not text:
        return UNDESCRIBED
    return WITHHELD if _DATE.search(text) or _names(text, header) else text


def _names(text: str, header: Any) -> bool:
    """Whether a text holds a part of what is in the header's IDENTITY."""
    words = _words(text)
    joined = "".join(words)
    parts = {part for name in IDENTITY for part in _words(str(header.get(name) or ""))}
    return any(
        part in words or (len(part) >= _TELLING and part in joined)
        for part in parts
        if len(part) > (_SHORT_NUMBER if part.isdecimal() else _INITIAL)
    )


def _words(text: str) -> list[str]:
    """Runs of letters and runs of digits, without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[^\W\d_]+|\d+", "".join(c for c in plain if not unicodedata.combining(c)))
