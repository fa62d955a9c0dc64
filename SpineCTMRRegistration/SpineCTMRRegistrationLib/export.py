"""Copies of a result's files in a folder of the user's choice."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from spine_ctmr.errors import InputError
from spine_ctmr.process.removal import remove

Maker = Callable[[Path], object]
"""Writes a file or folder at a path."""


def copy_results(folder: Path, names: Sequence[str], target: Path, made: Mapping[str, Maker]) -> None:
    """Copy files and folders of a result into `target`, and write others beside them: all of them or none.

    Args:
        folder: of results.
        names: what to copy.
        target: the user's folder.
        made: what to write, by name, also instead of a file of the result.

    Raises:
        InputError: one of them is there already, or cannot be written; nothing is overwritten.
    """
    makers = {name: _copying(folder / name) for name in names} | dict(made)
    for name in makers:
        if (target / name).exists():
            raise InputError(f"'{target / name}' exists already; choose another folder.")
    try:
        _write(makers, target)
    except OSError as error:
        raise InputError(
            f"'{target}' cannot be written to ({error.strerror or 'some files failed'}); "
            "free some space or choose another folder."
        ) from error


def _copying(source: Path) -> Maker:
    copy = shutil.copytree if source.is_dir() else shutil.copy2
    return lambda path: copy(source, path)


def _write(makers: Mapping[str, Maker], target: Path) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix=".spine-ctmr-", suffix=".partial", dir=target))
    try:
        for name, make in makers.items():
            make(unfinished / name)
        for name in makers:
            (unfinished / name).rename(target / name)
    finally:
        remove(unfinished)
