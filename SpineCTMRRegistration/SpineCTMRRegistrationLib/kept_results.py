"""The files of results in the scene, kept for export until the scene or Slicer is closed."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from spine_ctmr.process.temporary import OwnedFolder

from .run import RESULTS

if TYPE_CHECKING:
    import slicer

RUN = "SpineCTMRRegistration.Run"
"""Attribute of a quality table: which run made it; the identifiers of nodes are used again."""


class KeptResults:
    """A folder for each quality table whose run has ended in this session."""

    def __init__(self) -> None:
        self._folders: dict[str, OwnedFolder] = {}

    def keep(self, table: slicer.vtkMRMLTableNode, folder: OwnedFolder) -> None:
        """Keep the files of a result, instead of those of an earlier run in the same table."""
        earlier = self._folders.pop(table.GetAttribute(RUN) or "", None)
        if earlier is not None:
            earlier.remove()
        run = secrets.token_hex(8)
        table.SetAttribute(RUN, run)
        self._folders[run] = folder

    def folder_of(self, table: slicer.vtkMRMLTableNode | None) -> Path | None:
        """The folder of results that a table was loaded from; None if it is not there any more."""
        kept = None if table is None else self._folders.get(table.GetAttribute(RUN) or "")
        return kept.path / RESULTS if kept is not None and (kept.path / RESULTS).is_dir() else None

    def clear(self) -> None:
        """Remove all files."""
        for folder in self._folders.values():
            folder.remove()
        self._folders.clear()


def taken_over(results: Path) -> OwnedFolder:
    """A folder of its own for results that a run would delete, beside that of the run.

    Raises:
        OSError: they cannot be moved there; they are where they were.
    """
    folder = OwnedFolder(results.parent.parent)
    try:
        results.rename(folder.path / RESULTS)
    except OSError:
        folder.remove()
        raise
    return folder
