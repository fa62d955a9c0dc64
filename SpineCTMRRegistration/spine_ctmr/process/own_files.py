"""Which files of a folder of results the run wrote; all others are the user's own and stay.

`run.json` lists what the run wrote.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path, PurePath

RESULT_MARK = "run.json"
"""The file that every folder of results holds."""
FILES = "files"
"""Its list of all files of the run, relative to the folder, with forward slashes."""


def note_files(folder: Path) -> None:
    """Have the `run.json` in a finished folder list all its files; without one there is nothing to note."""
    path = folder / RESULT_MARK
    content = _content(path)
    if content is not None:
        files = sorted(found.relative_to(folder).as_posix() for found in folder.rglob("*") if found.is_file())
        path.write_text(json.dumps({**content, FILES: files}, indent=2) + "\n", encoding="utf-8")


def noted_files(folder: Path) -> frozenset[str] | None:
    """The files that a run noted in its folder; None where it noted none."""
    files = (_content(folder / RESULT_MARK) or {}).get(FILES)
    if not isinstance(files, list):
        return None
    return frozenset(name for name in files if isinstance(name, str)) | {RESULT_MARK}


def own_files(folder: Path, noted: Collection[str]) -> list[PurePath]:
    """What in a folder of results is the user's, relative to it: files, links and empty folders.

    Args:
        folder: of results.
        noted: files that this program wrote.

    Raises:
        OSError: a folder cannot be read.
    """
    folders_of_files = {parent.as_posix() for name in noted for parent in PurePath(name).parents}
    own: list[PurePath] = []
    for root, names, files in os.walk(folder, onerror=_raise):
        here = Path(root).relative_to(folder)
        links = [name for name in names if (Path(root) / name).is_symlink()]
        own += [here / name for name in (*files, *links) if (here / name).as_posix() not in noted]
        if not names and not files and here.as_posix() not in folders_of_files:
            own.append(here)
    return own


def holds_mount(folder: Path) -> bool:
    """Whether a folder is, or holds, the place of another disk."""
    return any(os.path.ismount(root) for root, _, _ in os.walk(folder))


def keep(own: Iterable[PurePath], old: Path, new: Path) -> list[PurePath]:
    """Give a new folder the user's files of an old one, which keeps them too.

    Where the new folder has something of the same name, a file is called "name (kept)".

    Returns:
        Where they are in the new folder.

    Raises:
        OSError: a file cannot be kept.
    """
    kept = []
    for path in own:
        if (old / path).is_dir() and (new / path).is_dir():
            continue
        free = path
        if os.path.lexists(new / path):
            free = path.with_name(f"{path.stem} (kept){path.suffix}")
        (new / free).parent.mkdir(parents=True, exist_ok=True)
        _double(old / path, new / free)
        kept.append(free)
    return kept


def _double(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        target.mkdir()
        return
    with suppress(OSError):  # another disk, or a file system without hard links
        os.link(source, target, follow_symlinks=False)
        return
    shutil.copy2(source, target, follow_symlinks=False)


def _content(path: Path) -> dict[str, object] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _raise(error: OSError) -> None:
    raise error
