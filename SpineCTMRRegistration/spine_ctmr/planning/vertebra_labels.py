"""The CT's vertebra labels, checked to be those of a result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from ..imaging.given_scheme import given_scheme
from ..imaging.label_voxels import label_voxels
from ..imaging.segmentation import read_vertebrae
from ..imaging.vertebra_names import vertebra_name
from .stored_result import StoredResult

SAMPLES = 3000
LEAST_AGREEMENT = 0.8
"""Share of a label's voxels inside the MR that land on their own moved label; its rim may not."""


def read_labels_of(path: Path, result: StoredResult, numbers: list[int]) -> sitk.Image:
    """The labels at `path`, uint8 VerSe numbers on their own grid in the CT.

    Raises:
        InputError: not readable, or not the labels that the result was made with.
    """
    labels = read_vertebrae(path, given_scheme(result.label_scheme)).image
    voxels = label_voxels(labels)
    moved_grid = Grid.of(result.vertebrae_in_mr)
    moved = array_view(result.vertebrae_in_mr)
    for number in numbers:
        name = vertebra_name(number)
        if number not in voxels:
            raise InputError(
                f"{path} has no label for {name}, which the result holds; "
                "give the labels that were registered."
            )
        points = result.poses[number].apply(voxels[number].points(SAMPLES))
        index = np.rint(moved_grid.to_indices(points[moved_grid.contains(points)])).astype(int)
        found = moved[tuple(index.T[::-1])]
        if len(found) and np.mean(found == number) < LEAST_AGREEMENT:
            raise InputError(
                f"{path} does not hold the labels of this result ({name} lies elsewhere); "
                "give the labels that were registered."
            )
    return labels


def on_grid(labels: sitk.Image, grid: Grid, numbers: list[int]) -> NDArray[np.uint8]:
    """Labels (z, y, x) on another grid; labels other than `numbers` become 0."""
    moved = sitk.Resample(labels, grid.empty(), sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    array = array_view(moved).copy()
    return np.where(np.isin(array, numbers), array, 0).astype(np.uint8)
