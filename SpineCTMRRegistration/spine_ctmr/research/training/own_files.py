"""The user's own patients as folders of files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...imaging.patient_files import role
from ...process.untrusted import reads_untrusted
from ...process.whole_file import whole_file
from .batch import fingerprint

LEAST_PATIENTS = 2
CHUNK_BYTES = 1 << 20


def patient_folders(data: Path) -> list[Path]:
    """The subfolders of a folder, one for each patient.

    Raises:
        InputError: the folder cannot be read, or holds fewer than two.
    """
    folders = sorted(path for path in _listed(data) if path.is_dir())
    if len(folders) < LEAST_PATIENTS:
        raise InputError(
            f"The data folder '{data}' holds {len(folders)} patients; training needs at least 2."
        )
    return folders


def patient_files(folder: Path, required: Collection[str], optional: Collection[str]) -> dict[str, Path]:
    """A patient's files, or folders of DICOM files, by their `role`.

    Raises:
        InputError: a required one is missing, or a name is there twice.
    """
    found: dict[str, Path] = {}
    for path in sorted(_listed(folder)):
        name = role(path)
        if name in (*required, *optional):
            if name in found:
                raise InputError(f"The folder '{folder}' holds more than one '{name}'; keep one of them.")
            found[name] = path
    for name in required:
        if name not in found:
            raise InputError(f"The folder '{folder}' holds no '{name}'; every patient needs one.")
    return found


def signature(paths: dict[str, Path], *prepared: object) -> str:
    """Changes with the contents of the files, or when they are prepared otherwise; names no patient.

    Args:
        paths: files, or folders with all files in them, by their role.
        prepared: how.

    Raises:
        InputError: one of them cannot be read.
    """
    return fingerprint([(name, _contents(path)) for name, path in sorted(paths.items())], *prepared)


def keep_arrays(file: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays so that the file is complete or not there."""
    with whole_file(file) as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


@reads_untrusted
def _contents(path: Path) -> list[str]:
    """Hashes of a file, or of all files in a folder, whatever they are called."""
    files = (file for file in path.rglob("*") if file.is_file()) if path.is_dir() else (path,)
    return sorted(map(_hash, files))


def _hash(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise InputError(f"The data folder '{folder}' cannot be read; check the path.") from error
