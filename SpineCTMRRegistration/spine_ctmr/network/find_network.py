"""Which network is meant by a file, a folder, or the name of one that was trained here."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError
from .bundle import bundled_network_directory

FOLDERS = "SPINE_CTMR_NETWORKS"
"""Environment variable: folders of trainings and network files, as PATH lists folders."""
BEST, LAST = "best.pt", "last.pt"
"""The checkpoint of a training that is used, and the one with which it goes on."""
WEIGHT_KINDS = ("onnx", "safetensors")


def find_network(meant: Path) -> Path:
    """The description of a network file, or the checkpoint of a training, that is meant.

    Args:
        meant: a network's .json, one of its weight files or a folder with one; a training's folder or its
            checkpoint; or the name of one of these in the folders of `FOLDERS`, or of the bundled network.

    Raises:
        InputError: there is none, or several.
    """
    if meant.exists():
        return _in_place(meant)
    known = _known()
    if str(meant) in known:
        return known[str(meant)]
    if len(meant.parts) > 1 or meant.suffix:
        raise InputError(f"The network file '{meant}' does not exist; check the path.")
    raise InputError(
        f"The network '{meant}' is neither a path nor a network in the folders of {FOLDERS}; choose one of "
        f"{', '.join(sorted(known))}, or give its path."
    )


def _in_place(path: Path) -> Path:
    """What is meant by something that exists."""
    if path.is_file():
        return path.with_suffix(".json") if path.suffix[1:] in WEIGHT_KINDS else path
    if (path / BEST).is_file():
        return path / BEST
    if (path / LAST).is_file():
        raise InputError(f"{path}: this training was not validated yet; let it go on until {BEST} is there.")
    found = sorted(path.glob("*.json"))
    if len(found) == 1:
        return found[0]
    inside = sorted(run.parent.name for run in path.glob(f"*/{BEST}"))
    if inside:
        raise InputError(f"{path}: holds several trainings; choose one, such as '{path / inside[0]}'.")
    problem = "holds no network" if not found else "holds several networks"
    raise InputError(f"{path}: {problem}; choose one network's .json file or the folder of a training.")


def _known() -> dict[str, Path]:
    """Networks by name, the bundled one included: trainings by their folder's, network files by their own."""
    found: dict[str, Path] = {}
    named = filter(None, os.environ.get(FOLDERS, "").split(os.pathsep))
    for folder in (*map(Path, named), bundled_network_directory()):
        for run in sorted(folder.glob(f"*/{BEST}")):
            found.setdefault(run.parent.name, run)
        for card in sorted(folder.glob("*.json")):
            found.setdefault(card.stem, card)
    return found
