"""Copies of a result's files in a folder of the user's choice."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from spine_ctmr.errors import InputError
from spine_ctmr.process.removal import remove


def copy_results(folder: Path, names: Sequence[str], target: Path) -> None:
    """Copy files and folders of a result into `target`: all of them or none.

    Raises:
        InputError: one of them is there already, or cannot be written; nothing is overwritten.
    """
    for name in names:
        if (target / name).exists():
            raise InputError(f"'{target / name}' exists already; choose another folder.")
    try:
        _copy(folder, names, target)
    except OSError as error:
        raise InputError(
            f"'{target}' cannot be written to ({error.strerror or 'some files failed'}); "
            "free some space or choose another folder."
        ) from error


def _copy(folder: Path, names: Sequence[str], target: Path) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix=".spine-ctmr-", suffix=".partial", dir=target))
    try:
        for name in names:
            copy = shutil.copytree if (folder / name).is_dir() else shutil.copy2
            copy(folder / name, unfinished / name)
        for name in names:
            (unfinished / name).rename(target / name)
    finally:
        remove(unfinished)
