"""An output folder belongs to one run at a time, and a run that was killed leaves nothing for good.

The run works in a hidden folder beside its output, whose name follows from the output's, and holds a lock in
it. The lock ends with the run and its worker, however they end; then the next run of the same output takes
the folder over, puts back an earlier result that was on its way out, and removes the rest. Runs of other
outputs beside it remove it, unless it holds an earlier result.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import InputError
from .removal import remove

WORKPLACE = ".spine-ctmr-{}.partial"
LOCK = "lock"
EARLIER = "earlier"
"""Where the result of an earlier run waits while the new one takes its name."""
ATTEMPTS, PAUSE_S = 20, 0.02
"""The folder may vanish again and again while other runs there end or tidy up."""


@contextmanager
def claimed(final: Path) -> Iterator[Path]:
    """A hidden folder beside `final` that belongs to this run; it is removed at the end.

    Args:
        final: what is going to be made; missing parents are made, and removed at the end where nothing
            came into them.

    Raises:
        InputError: another run is making `final`, or nothing can be made there.
    """
    missing = [folder for folder in final.parents if not folder.exists()]
    digest = hashlib.sha256(os.fsencode(final.name)).hexdigest()[:12]
    workplace = final.parent / WORKPLACE.format(digest)
    try:
        lock = _taken(workplace, final)
        try:
            _cleared(workplace, final)
            _remove_abandoned(workplace)
            yield workplace
        finally:
            if (workplace / EARLIER).exists() and not final.exists():
                os.close(lock)  # the only copy of earlier results stays
            else:
                _given_back(workplace, lock)
    except BaseException:
        for folder in missing:
            with suppress(OSError):  # never made, or used by someone else meanwhile
                folder.rmdir()
        raise


def _taken(workplace: Path, final: Path) -> int:
    """The open lock of a workplace, which exists from now on; a worker started later inherits it."""
    try:
        for _ in range(ATTEMPTS):
            made = not workplace.exists()
            workplace.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # removed by another run that ended just now
                lock = os.open(workplace / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
                os.set_inheritable(lock, True)
                if locked(lock, made) and _is_at(lock, workplace / LOCK):
                    return lock
                os.close(lock)
                time.sleep(PAUSE_S)
    except OSError as error:
        raise InputError(
            f"The output '{final}' cannot be created ({error.strerror}); choose another one."
        ) from error
    raise InputError(
        f"The output '{final}' is being made by another run in '{workplace.name}' beside it; "
        "wait for its end or choose another one."
    )


def locked(lock: int, made: bool) -> bool:
    """Whether the lock could be taken; where a file system has no locks, who makes the folder owns it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return made and error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


def _is_at(lock: int, path: Path) -> bool:
    """Whether a locked file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(lock), os.stat(path))
    except FileNotFoundError:
        return False


def _cleared(workplace: Path, final: Path) -> None:
    """Undo what a killed run has left.

    Raises:
        InputError: it had set earlier results aside, and they cannot be put back.
    """
    earlier = workplace / EARLIER
    if earlier.exists() and not final.exists():
        try:
            earlier.rename(final)
        except OSError as error:
            raise InputError(
                f"The earlier results of '{final}' lie in '{earlier}' and cannot be put back "
                f"({error.strerror}); move them there and run it again."
            ) from error
    for left in workplace.iterdir():
        if left.name != LOCK:
            remove(left) if left.is_dir() else left.unlink(missing_ok=True)


def _remove_abandoned(workplace: Path) -> None:
    """Remove what killed runs of other outputs have left beside a workplace."""
    for path in workplace.parent.glob(f"{WORKPLACE.format('*')}/{LOCK}"):
        if path.parent == workplace or (path.parent / EARLIER).exists():
            continue
        with suppress(OSError):  # removed meanwhile, or another user's
            lock = os.open(path, os.O_RDWR)
            if locked(lock, False):
                _given_back(path.parent, lock)
            else:
                os.close(lock)


def _given_back(workplace: Path, lock: int) -> None:
    if sys.platform == "win32":
        os.close(lock)  # an open file cannot be removed
        remove(workplace)
    else:
        remove(workplace)
        os.close(lock)
