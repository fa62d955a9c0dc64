"""Where the network files that come with this program are."""

from __future__ import annotations

from pathlib import Path

from ..errors import SpineError


def bundled_network_directory() -> Path:
    """The folder of bundled network files: in an installed package, a checkout or Slicer.

    An installed package holds it as `bundled_networks`; in a checkout and in Slicer it is
    `Resources/Networks` beside the library.

    Raises:
        SpineError: neither folder exists.
    """
    library = Path(__file__).resolve().parents[1]
    candidates = (library / "bundled_networks", library.parent / "Resources" / "Networks")
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise SpineError(f"The network files are missing from '{library}'; install this program again.")
