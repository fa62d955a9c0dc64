"""A real labelled CT as the anatomy of a synthetic patient."""

from __future__ import annotations

from dataclasses import replace
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

_FINEST_MM = 1.0


@lru_cache(maxsize=2)
def scanned_anatomy(ct_path: Path, labels_path: Path, scale: float = 1.0) -> Anatomy:
    """A patient with the vertebrae and grey values of a CT, all lengths multiplied by `scale`.

    Raises:
        InputError: a file cannot be used, or fewer than three whole vertebrae are labelled.
    """
    labels = read_vertebrae(labels_path).image
    ct = _on_fine_grid(read_image(ct_path))
    resampled = sitk.Resample(labels, ct, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    for image in (ct, resampled, labels):
        image.SetSpacing([scale * s for s in image.GetSpacing()])
        image.SetOrigin([scale * o for o in image.GetOrigin()])
    try:
        spine = measured_spine(labels)
    except InputError as error:
        raise InputError(f"{labels_path}: {error}") from error
    anatomy = anatomy_around(np.random.default_rng(0), spine)
    return replace(anatomy, scan=scan_of(ct, resampled, anatomy))


def _on_fine_grid(image: sitk.Image) -> sitk.Image:
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
        sitk.sitkLinear,
        image.GetOrigin(),
        spacing,
        image.GetDirection(),
        OUTSIDE_HU,
        sitk.sitkFloat32,
    )
