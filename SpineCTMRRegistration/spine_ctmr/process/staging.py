"""Output folders that appear complete or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import InputError

RESULT_MARK = "run.json"
"""The file that every folder of results holds."""


@contextmanager
def staged_directory(final: Path, overwrite: bool = False) -> Iterator[Path]:
    """A new hidden folder beside `final` that takes its name at success and is removed at failure.

    Args:
        final: the folder to create; missing parents are created too.
        overwrite: replace `final` if it holds the results of an earlier run.

    Raises:
        InputError: `final` cannot be created or must not be replaced.
    """
    final = Path(os.path.abspath(final)).resolve()
    _require_replaceable(final, overwrite)
    created = _missing_parents(final)
    temporary = final.parent / f".spine-ctmr-{secrets.token_hex(6)}.partial"
    try:
        _make(temporary, final)
        yield temporary
        _publish(temporary, final, overwrite)
    except BaseException:
        remove(temporary)
        for folder in created:
            _remove_if_empty(folder)
        raise


def require_apart(output: Path, inputs: Sequence[Path]) -> None:
    """Refuse an output folder that is in an input folder, or holds an input.

    Raises:
        InputError: `output` and one of `inputs` are nested.
    """
    folder = output.resolve()
    for path in inputs:
        real = path.resolve()
        if real.is_dir() and real in (folder, *folder.parents):
            raise InputError(
                f"The output folder '{output}' is inside the input folder '{path}'; choose another one."
            )
        if folder in real.parents:
            raise InputError(f"The output folder '{output}' holds the input '{path}'; choose another one.")


def remove(folder: Path) -> None:
    """Remove a folder and all in it, patiently: files of a process that just ended may still be busy."""
    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _require_replaceable(final: Path, overwrite: bool) -> None:
    if not final.exists():
        return
    if not final.is_dir():
        raise InputError(f"The output '{final}' is a file; choose a folder.")
    if os.path.ismount(final) or final == Path.cwd():
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


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise InputError(
            f"The output folder '{folder}' cannot be read ({error.strerror}); choose another one."
        ) from error


def _missing_parents(final: Path) -> list[Path]:
    """The parents of `final` that do not exist yet, innermost first."""
    return [folder for folder in final.parents if not folder.exists()]


def _make(temporary: Path, final: Path) -> None:
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    except OSError as error:
        raise InputError(
            f"The output folder '{final}' cannot be created ({error.strerror}); choose another one."
        ) from error


def _publish(temporary: Path, final: Path, overwrite: bool) -> None:
    """Give the finished folder its name.

    Raises:
        InputError: someone else has written to `final` meanwhile, or it cannot be replaced.
    """
    _require_replaceable(final, overwrite)
    earlier = temporary.with_suffix(".earlier")
    try:
        if final.exists():
            final.rename(earlier)
        try:
            temporary.rename(final)
        except OSError:
            if earlier.exists():
                earlier.rename(final)
            raise
    except OSError as error:
        raise InputError(
            f"The output folder '{final}' cannot be replaced ({error.strerror}); close programs that use it."
        ) from error
    remove(earlier)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # never made, or used by someone else meanwhile
        folder.rmdir()
