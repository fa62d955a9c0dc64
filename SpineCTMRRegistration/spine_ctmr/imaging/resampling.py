"""Images brought onto another grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from .case import Case
from .hounsfield import AIR_HU


def on_grid(
    image: sitk.Image,
    grid: Grid,
    transform: sitk.Transform,
    fill: float,
    interpolator: int = sitk.sitkLinear,
) -> NDArray[Any]:
    """An image (z, y, x) float32 resampled on a grid through a transform of its points."""
    resampled = sitk.Resample(image, grid.empty(), transform, interpolator, fill, sitk.sitkFloat32)
    return np.asarray(array_view(resampled).copy())


def case_on_grid(case: Case, grid: Grid, to_ct: sitk.Transform) -> tuple[NDArray[Any], NDArray[Any]]:
    """MR and CT (z, y, x) on a grid of the MR frame, the CT through a transform of its points."""
    return on_grid(case.mr, grid, sitk.Transform(), 0.0), on_grid(case.ct, grid, to_ct, AIR_HU)
