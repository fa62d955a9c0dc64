"""Temporary folders that belong to a running program; what a dead one has left is removed by the next.

A folder holds a lock as long as its program lives, however that ends.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from .claim import locked
from .removal import remove

PREFIX = "spine-ctmr-"
MARK = ".owner"
"""The locked file in a folder of ours; no other folder is touched."""


class OwnedFolder:
    """A new folder in a temporary place, until `remove`.

    Attributes:
        path: of the folder.
    """

    def __init__(self, parent: Path | None = None) -> None:
        """Make it in `parent`; None for the system's place.

        Raises:
            OSError: nothing can be written there.
        """
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
        try:
            self._lock: int | None = os.open(self.path / MARK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            remove(self.path)
            raise
        locked(self._lock, True)

    def remove(self) -> None:
        """Remove the folder with all in it."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)  # an open file cannot be removed on Windows
        remove(self.path)


def remove_abandoned(parent: Path) -> None:
    """Remove the folders in `parent` whose program has ended without removing them."""
    for mark in parent.glob(f"{PREFIX}*/{MARK}"):
        with suppress(OSError):  # gone meanwhile, or another user's
            lock = os.open(mark, os.O_RDWR)
            abandoned = locked(lock, False)
            os.close(lock)
            if abandoned:
                remove(mark.parent)
