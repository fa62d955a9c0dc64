"""A folder of synthetic pairs, made once and read at every training step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..process.whole_file import whole_file
from ..progress import Progress, silent
from .patient import MECHANICS, Pair, make_pair
from .patient_sources import Anatomies, parametric_anatomy


def pair_path(directory: Path, seed: int, index: int) -> Path:
    """Where the pair of (seed, index) is kept."""
    return directory / f"pair-{seed}-{index:05d}.npz"


def fill_bank(
    directory: Path,
    seed: int,
    indices: Sequence[int],
    size: tuple[int, int, int],
    spacing_mm: float,
    progress: Progress = silent,
    anatomies: Anatomies = parametric_anatomy,
    motion: str = MECHANICS,
) -> None:
    """Make the pairs that are missing; a file appears under its name only when it is complete.

    The arguments are those of `make_pair`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for done, index in enumerate(indices):
        path = pair_path(directory, seed, index)
        if not path.exists():
            pair = make_pair(seed, index, size, spacing_mm, anatomies, motion)
            with whole_file(path) as stream:
                np.savez(
                    stream,
                    ct=pair.ct.astype(np.float16),
                    mr=pair.mr.astype(np.float16),
                    displacement=pair.displacement.astype(np.float16),
                    bone=pair.bone,
                    ct_labels=pair.ct_labels,
                    spacing_mm=pair.spacing_mm,
                )
        progress("Making synthetic patients", (done + 1) / len(indices))


def read_pair(directory: Path, seed: int, index: int) -> Pair:
    """A pair that `fill_bank` has made."""
    with np.load(pair_path(directory, seed, index)) as stored:
        arrays = {name: stored[name] for name in ("ct", "mr", "displacement", "bone", "ct_labels")}
        return Pair(**arrays, spacing_mm=float(stored["spacing_mm"]))
