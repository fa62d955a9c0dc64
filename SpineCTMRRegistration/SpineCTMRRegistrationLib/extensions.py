"""Slicer's Extensions Manager, for extensions that this one uses and that may be missing."""

from __future__ import annotations

from collections.abc import Callable

import slicer
from spine_ctmr.errors import SpineError


class MissingExtension(SpineError):
    """An extension is not installed.

    Attributes:
        name: as the Extensions Manager calls it.
    """

    def __init__(self, name: str, purpose: str) -> None:
        """`purpose` is what it does, in words that fit behind a comma."""
        super().__init__(
            f"The extension {name} is missing, {purpose}; install it with the Extensions Manager and "
            "restart Slicer."
        )
        self.name = name


def offer(missing: MissingExtension, ask: Callable[[str], bool]) -> None:
    """Open the Extensions Manager if the user agrees.

    Raises:
        MissingExtension: this Slicer has no Extensions Manager.
    """
    if not hasattr(slicer.app, "openExtensionsManagerDialog"):
        raise missing
    steps = f'Open the Extensions Manager now? Search there for "{missing.name}".'
    if ask(f"{missing}\n\n{steps}"):
        slicer.app.openExtensionsManagerDialog()
