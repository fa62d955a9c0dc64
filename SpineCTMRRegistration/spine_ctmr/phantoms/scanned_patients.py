"""Real labelled CTs as the anatomy of synthetic patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..imaging.hounsfield import OUTSIDE_HU
from ..imaging.reading import read_image
from ..imaging.segmentation import read_vertebrae
from .anatomy import Anatomy
from .label_map import anatomy_around, measured_spine
from .scan_tissues import scan_of

_LARGEST_SCALE = 0.12
_FINEST_MM = 1.0


@dataclass(frozen=True)
class LabelledCt:
    """Files of a CT and its vertebra labels."""

    ct: Path
    labels: Path


@dataclass(frozen=True)
class ScannedPatients:
    """Random patients, each one of several real CTs, made larger or smaller.

    Attributes:
        cts: to choose from.
    """

    cts: tuple[LabelledCt, ...]

    def __call__(self, rng: np.random.Generator, reach_mm: float) -> tuple[Anatomy, int]:
        """A patient with all of its vertebrae, and the index of a random one; `reach_mm` is not needed."""
        chosen = self.cts[int(rng.integers(len(self.cts)))]
        scale = 1 + _LARGEST_SCALE * float(rng.uniform(-1, 1))
        anatomy = scanned_anatomy(chosen, scale)
        return anatomy, int(rng.integers(len(anatomy.vertebrae)))


@lru_cache(maxsize=2)
def scanned_anatomy(files: LabelledCt, scale: float = 1.0) -> Anatomy:
    """A patient with the vertebrae and grey values of a CT, all lengths multiplied by `scale`.

    Raises:
        InputError: a file cannot be used, or fewer than three whole vertebrae are labelled.
    """
    labels = read_vertebrae(files.labels).image
    ct = _on_fine_grid(read_image(files.ct), sitk.sitkLinear)
    resampled = sitk.Resample(labels, ct, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    for image in (ct, resampled, labels):
        image.SetSpacing([scale * s for s in image.GetSpacing()])
        image.SetOrigin([scale * o for o in image.GetOrigin()])
    try:
        spine = measured_spine(labels)
    except InputError as error:
        raise InputError(f"{files.labels}: {error}") from error
    anatomy = anatomy_around(np.random.default_rng(0), spine)
    return replace(anatomy, scan=scan_of(ct, resampled, anatomy))


def labelled_cts(pairs: Sequence[tuple[Path, Path]]) -> ScannedPatients:
    """The patients of (CT, labels) files, all read once.

    Raises:
        InputError: one of them cannot be used.
    """
    cts = tuple(LabelledCt(ct, labels) for ct, labels in pairs)
    for one in cts:
        scanned_anatomy(one)
    return ScannedPatients(cts)


def _on_fine_grid(image: sitk.Image, interpolator: int) -> sitk.Image:
    """The image with slices no thicker than a millimetre, in the same orientation."""
    spacing = [min(s, _FINEST_MM) for s in image.GetSpacing()]
    size = [
        int(np.floor((n - 1) * old / new + 1e-6)) + 1
        for n, old, new in zip(image.GetSize(), image.GetSpacing(), spacing, strict=True)
    ]
    return sitk.Resample(
        image,
        size,
        sitk.Transform(),
        interpolator,
        image.GetOrigin(),
        spacing,
        image.GetDirection(),
        OUTSIDE_HU,
        sitk.sitkFloat32,
    )
