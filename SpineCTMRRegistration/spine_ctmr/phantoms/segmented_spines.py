"""Segmented spines of real people as the anatomy of synthetic patients, with their CTs if there are any."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..imaging.patient_files import CT, CT_LABELS, role
from ..imaging.segmentation import read_vertebrae
from .anatomy import Anatomy
from .label_map import MeasuredSpine, anatomy_around, measured_spine
from .scanned_anatomy import scanned_anatomy

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")
_LARGEST_SCALE = 0.12


@dataclass(frozen=True)
class LabelledSpine:
    """Files of a spine.

    Attributes:
        labels: its vertebrae in a CT.
        ct: that CT; without it everything but the bones is painted.
    """

    labels: Path
    ct: Path | None = None


@dataclass(frozen=True)
class SegmentedSpines:
    """Random patients, each with the spine of one of several label maps.

    Attributes:
        spines: to choose from; those with a CT also become larger or smaller.
    """

    spines: tuple[LabelledSpine, ...]

    def __call__(self, rng: np.random.Generator, reach_mm: float) -> tuple[Anatomy, int]:
        """A patient with the vertebrae within `reach_mm` of a random one, and the index of that one."""
        files = self.spines[int(rng.integers(len(self.spines)))]
        if files.ct is not None:
            scale = 1 + _LARGEST_SCALE * float(rng.uniform(-1, 1))
            anatomy = scanned_anatomy(files.ct, files.labels, scale)
            return anatomy, int(rng.integers(len(anatomy.vertebrae)))
        spine = read_spine(files.labels)
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


def label_maps(folder: Path) -> tuple[LabelledSpine, ...]:
    """The label maps in a folder, and the subfolders that hold `ct` and `ct_labels`, in order of their names.

    Raises:
        InputError: the folder cannot be read or holds none, or one of them cannot be used.
    """
    try:
        paths = sorted(folder.iterdir())
        spines = [LabelledSpine(p) for p in paths if p.is_file() and p.name.lower().endswith(ENDINGS)]
        spines += [_scanned(p) for p in paths if p.is_dir()]
    except OSError as error:
        raise InputError(f"The folder of label maps '{folder}' cannot be read; check the path.") from error
    if not spines:
        raise InputError(
            f"The folder of label maps '{folder}' holds none; "
            "give NIfTI, NRRD or MetaImage files of vertebra segmentations, or folders with ct and ct_labels."
        )
    for spine in spines:
        read_spine(spine.labels)
    return tuple(spines)


def signature(spines: Sequence[LabelledSpine]) -> str:
    """Changes when a file is changed, added or removed; their names do not matter."""
    files = [path for spine in spines for path in (spine.labels, spine.ct) if path is not None]
    hashes = (hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:12]


def _scanned(folder: Path) -> LabelledSpine:
    """A subfolder's CT and its labels.

    Raises:
        InputError: one of them is missing.
    """
    found = {role(p): p for p in sorted(folder.iterdir()) if p.name.lower().endswith(ENDINGS)}
    for name in (CT, CT_LABELS):
        if name not in found:
            raise InputError(f"The folder '{folder}' holds no '{name}'; give CT and labels as files.")
    return LabelledSpine(found[CT_LABELS], found[CT])
