"""The command lines that the panel starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spine_ctmr.choices import DEFAULT_DEVICE, DEFAULT_QUALITY, Device, Quality
from spine_ctmr.imaging.label_schemes import VERSE


@dataclass(frozen=True)
class InputFiles:
    """The inputs of one registration, as files in a temporary folder.

    At most one of `mr_landmarks` and `mr_vertebrae` is given; with neither, the level is found by the images.
    """

    ct: Path
    mr: Path
    vertebrae: Path
    mr_landmarks: Path | None = None
    mr_vertebrae: Path | None = None


@dataclass(frozen=True)
class RunOptions:
    """How the command computes; the names and defaults of `spine-ctmr register`.

    Attributes:
        threads: CPU threads, None for all cores.
        network: a network file instead of the bundled one.
    """

    quality: Quality = DEFAULT_QUALITY
    device: Device = DEFAULT_DEVICE
    seed: int = 0
    threads: int | None = None
    network: Path | None = None


def register_words(files: InputFiles, output: Path, options: RunOptions) -> list[str]:
    """The words of `spine-ctmr register …` without the program; label maps are in VerSe numbers."""
    given = {
        "--vertebrae": files.vertebrae,
        "--label-scheme": VERSE.name,
        "--mr-landmarks": files.mr_landmarks,
        "--mr-vertebrae": files.mr_vertebrae,
        "--mr-label-scheme": files.mr_vertebrae and VERSE.name,
        "--output": output,
        "--quality": options.quality,
        "--device": options.device,
        "--seed": options.seed,
        "--threads": options.threads,
        "--network": options.network,
    }
    pairs = [(option, str(value)) for option, value in given.items() if value is not None]
    return ["register", str(files.ct), str(files.mr), *(word for pair in pairs for word in pair)]


def phantom_words(output: Path, seed: int = 0) -> list[str]:
    """The words of `spine-ctmr phantom …` without the program."""
    return ["phantom", "--output", str(output), "--seed", str(seed)]
