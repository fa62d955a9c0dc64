"""Which series of a DICOM folder is meant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SeriesChoice:
    """Which series of a folder is meant.

    Attributes:
        wanted: its number in the list that an error shows, or a part of its description; "" for the only one.
        modality: of which it is the only one of more than a few slices, if nothing is wanted; "" for any.
        option: of the command line that says what is wanted, for messages; "" if there is none.
    """

    wanted: str = ""
    modality: str = ""
    option: str = ""
