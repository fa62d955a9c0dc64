"""Outputs that appear complete or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from ..errors import InputError
from .claim import EARLIER, claimed
from .own_files import RESULT_MARK, holds_mount, keep, note_files, noted_files, own_files

SHOWN = 5
"""Of the user's files that stayed."""


@contextmanager
def staged_directory(
    final: Path,
    overwrite: bool = False,
    added_later: Collection[str] = (),
    tell: Callable[[str], None] = lambda sentence: None,
) -> Iterator[Path]:
    """A new hidden folder beside `final` that takes its name at success and is removed at failure.

    Args:
        final: the folder to create; missing parents are created too. It belongs to this run alone.
        overwrite: replace `final` if it holds the results of an earlier run; what that run did not write
            stays in it.
        added_later: files that this program adds to finished results, which go with them.
        tell: told of files that stayed.

    Raises:
        InputError: `final` cannot be created, must not be replaced, or is being made by another run.
    """
    final = resolved(final)
    _require_replaceable(final, overwrite)
    with claimed(final) as workplace:
        _require_replaceable(final, overwrite)
        staging = workplace / f"new-{secrets.token_hex(6)}"
        try:
            staging.mkdir()
        except OSError as error:
            raise InputError(
                f"The output folder '{final}' cannot be created ({error.strerror}); choose another one."
            ) from error
        yield staging
        note_files(staging)
        _require_replaceable(final, overwrite)
        kept = _kept(staging, final, added_later)
        _publish(staging, final, workplace / EARLIER)
        if kept:
            shown = ", ".join(f"'{path}'" for path in kept[:SHOWN]) + (", …" if len(kept) > SHOWN else "")
            tell(f"Not written by the earlier run, and therefore kept in the output folder: {shown}.")


@contextmanager
def staged_file(final: Path) -> Iterator[Path]:
    """A path for a new file beside `final`, which it replaces at success; it is removed at failure.

    Args:
        final: the file to create, in an existing folder. It belongs to this run alone.

    Raises:
        InputError: `final` cannot be written, or is being made by another run.
    """
    with claimed(resolved(final)) as workplace:
        staging = workplace / f"new-{secrets.token_hex(6)}{final.suffix}"
        yield staging
        try:
            staging.replace(final)
        except OSError as error:
            raise InputError(
                f"The output '{final}' cannot be written ({error.strerror}); choose another place."
            ) from error


def resolved(path: Path) -> Path:
    """The absolute path without links.

    Raises:
        InputError: links lead in a circle, or the path is too long.
    """
    try:
        final = Path(os.path.abspath(path)).resolve()
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            final.stat()
        return final
    except (OSError, RuntimeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "its links lead in a circle"
        raise InputError(f"The output '{path}' cannot be created ({problem}); choose another one.") from error


def require_apart(output: Path, inputs: Sequence[Path]) -> None:
    """Refuse an output folder that is in an input folder, or holds an input.

    Raises:
        InputError: `output` and one of `inputs` are nested.
    """
    folder = resolved(output)
    for path in inputs:
        real = path.resolve()
        if real.is_dir() and real in (folder, *folder.parents):
            raise InputError(
                f"The output folder '{output}' is inside the input folder '{path}'; choose another one."
            )
        if folder in real.parents:
            raise InputError(f"The output folder '{output}' holds the input '{path}'; choose another one.")


def _require_replaceable(final: Path, overwrite: bool) -> None:
    if not final.exists():
        return
    if not final.is_dir():
        raise InputError(f"The output '{final}' is a file; choose a folder.")
    if final == Path.cwd() or holds_mount(final):
        raise InputError(f"The output folder '{final}' is in use; choose a folder inside it.")
    if not _names(final):
        return
    if not overwrite:
        raise InputError(f"The output folder '{final}' is not empty; choose another one or add --overwrite.")
    if not (final / RESULT_MARK).is_file():
        raise InputError(
            f"The output folder '{final}' is not overwritten because it holds no {RESULT_MARK} "
            "of an earlier run; choose another one."
        )
    if noted_files(final) is None:
        raise InputError(
            f"The output folder '{final}' is not overwritten because its {RESULT_MARK} does not list what "
            "that run wrote; remove it yourself, or choose another one."
        )


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise InputError(
            f"The output folder '{folder}' cannot be read ({error.strerror}); choose another one."
        ) from error


def _kept(staging: Path, final: Path, added_later: Collection[str]) -> list[PurePath]:
    """Put the user's own files in `final` into the folder that will replace it, too.

    Raises:
        InputError: one cannot be kept.
    """
    noted = noted_files(final) if final.exists() else None
    try:
        return [] if noted is None else keep(own_files(final, {*noted, *added_later}), final, staging)
    except OSError as error:
        raise InputError(
            f"The output folder '{final}' is not overwritten because '{error.filename}' in it cannot be kept "
            f"({error.strerror}); choose another one."
        ) from error


def _publish(staging: Path, final: Path, earlier: Path) -> None:
    """Give the finished folder its name.

    Raises:
        InputError: `final` cannot be replaced.
    """
    try:
        if final.exists():
            final.rename(earlier)
        try:
            staging.rename(final)
        except OSError:
            if earlier.exists():
                earlier.rename(final)
            raise
    except OSError as error:
        raise InputError(
            f"The output folder '{final}' cannot be replaced ({error.strerror}); close programs that use it."
        ) from error
