"""Segmented spines of real people as the anatomy of synthetic patients."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..imaging.segmentation import read_vertebrae
from .anatomy import Anatomy
from .label_map import MeasuredSpine, anatomy_around, measured_spine

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")


@dataclass(frozen=True)
class SegmentedSpines:
    """Random patients, each with the spine of one of several label maps.

    Attributes:
        files: of the label maps.
    """

    files: tuple[Path, ...]

    def __call__(self, rng: np.random.Generator, reach_mm: float) -> tuple[Anatomy, int]:
        """A patient with the vertebrae within `reach_mm` of a random one, and the index of that one."""
        spine = read_spine(self.files[int(rng.integers(len(self.files)))])
        middle = int(rng.integers(len(spine.shapes)))
        number = spine.shapes[middle].number
        near = spine.near(middle, reach_mm)
        return anatomy_around(rng, near), [shape.number for shape in near.shapes].index(number)


@lru_cache(maxsize=32)
def read_spine(path: Path) -> MeasuredSpine:
    """The whole vertebrae of a label map of any convention that `spine-ctmr register` understands.

    Raises:
        InputError: it is no label map, or holds fewer than three whole vertebrae.
    """
    try:
        return measured_spine(read_vertebrae(path).image)
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from error


def label_maps(folder: Path) -> tuple[Path, ...]:
    """The label maps in a folder, in the order of their names, all read once.

    Raises:
        InputError: the folder cannot be read or holds none, or one of them cannot be used.
    """
    try:
        files = sorted(p for p in folder.iterdir() if p.name.lower().endswith(ENDINGS) and p.is_file())
    except OSError as error:
        raise InputError(f"The folder of label maps '{folder}' cannot be read; check the path.") from error
    if not files:
        raise InputError(
            f"The folder of label maps '{folder}' holds none; "
            "give NIfTI, NRRD or MetaImage files of vertebra segmentations."
        )
    for path in files:
        read_spine(path)
    return tuple(files)


def signature(files: Sequence[Path]) -> str:
    """Changes when a label map is changed, added or removed; their names do not matter."""
    hashes = (hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:12]
