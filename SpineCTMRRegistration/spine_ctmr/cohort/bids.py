"""The patients of a BIDS folder: one CT, one MR and one vertebra segmentation of the CT for each subject."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from .patients import CASE, Patient

SUFFIXES = {
    "ct": ("_ct",),
    "mr": ("_T1w", "_T2w", "_PDw", "_FLAIR", "_inplaneT1", "_inplaneT2"),
    "vertebrae": ("_dseg", "_seg-vert_msk", "_seg-vert_dseg"),
}
"""How the names of files end: the raw images by BIDS, the labels by BIDS or as VerSe has them."""
ENDINGS = (".nii.gz", ".nii")
MEND = "write a table of the patients instead"


def bids_patients(folder: Path) -> tuple[Patient, ...]:
    """The subjects of a BIDS data set, whatever their sessions.

    Images lie in `sub-*` in the folder or its `rawdata`, labels in `derivatives/**/sub-*` or beside the CT.

    Raises:
        InputError: there are no subjects, or one has a name that no case can have, or none or several of what
            is needed.
    """
    root = folder.absolute()
    raw = root / "rawdata" if (root / "rawdata").is_dir() else root
    subjects = sorted(path for path in raw.glob("sub-*") if path.is_dir())
    if not subjects:
        raise InputError(f"The folder '{folder}' holds no subjects (sub-*) of a BIDS data set; {MEND}.")
    for name in (subject.name for subject in subjects):
        if not CASE.fullmatch(name):
            raise InputError(f"The subject {name} cannot name a folder of results; {MEND}.")
    derived = root / "derivatives"
    return tuple(
        Patient(
            subject.name,
            {
                "ct": _only("CT", "ct", [subject], subject.name),
                "mr": _only("MR", "mr", [subject], subject.name),
                "vertebrae": _only(
                    "vertebra segmentation",
                    "vertebrae",
                    [subject, *_folders(derived, subject.name)],
                    subject.name,
                ),
            },
        )
        for subject in subjects
    )


def _folders(derived: Path, name: str) -> Sequence[Path]:
    return [path for path in sorted(derived.rglob(name)) if path.is_dir()]


def _only(what: str, kind: str, folders: Sequence[Path], subject: str) -> Path:
    endings = tuple(suffix + ending for suffix in SUFFIXES[kind] for ending in ENDINGS)
    found = sorted({path for folder in folders for path in folder.rglob("*") if path.name.endswith(endings)})
    if len(found) == 1:
        return found[0]
    if not found:
        wanted = " or ".join(f"*{suffix}.nii.gz" for suffix in SUFFIXES[kind])
        raise InputError(f"The subject {subject} has no {what} ({wanted}); {MEND}.")
    names = ", ".join(path.name for path in found)
    raise InputError(f"The subject {subject} has more than one {what} ({names}); {MEND}.")
