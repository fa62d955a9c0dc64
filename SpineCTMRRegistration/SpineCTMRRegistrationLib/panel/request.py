"""The command lines that the panel starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

Quality = Literal["fast", "standard", "best"]
Device = Literal["auto", "cuda", "cpu"]


@dataclass(frozen=True)
class InputFiles:
    """The inputs of one registration, as files in a temporary folder.

    At most one of `mr_landmarks` and `mr_vertebrae` is given; with neither, the level is found by the images.

    Attributes:
        names: what the user calls each file (the node's name), for messages.
    """

    ct: Path
    mr: Path
    vertebrae: Path
    mr_landmarks: Path | None = None
    mr_vertebrae: Path | None = None
    names: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class RunOptions:
    """How the command computes; the names and defaults of `spine-ctmr register`.

    Attributes:
        threads: CPU threads, None for all cores.
        network: a network file instead of the bundled one.
    """

    quality: Quality = "standard"
    device: Device = "auto"
    seed: int = 0
    threads: int | None = None
    network: Path | None = None


def register_words(files: InputFiles, output: Path, options: RunOptions) -> list[str]:
    """The words of `spine-ctmr register …` without the program."""
    raise NotImplementedError


def phantom_words(output: Path, seed: int = 0) -> list[str]:
    """The words of `spine-ctmr phantom …` without the program."""
    raise NotImplementedError
