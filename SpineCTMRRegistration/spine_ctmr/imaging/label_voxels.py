"""Where the voxels of each vertebra label lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.grid import Grid, Points
from ..geometry.voxels import array_view


@dataclass(frozen=True)
class LabelVoxels:
    """The voxels of one label: indices (n, 3) as (x, y, z) on `grid`."""

    indices: NDArray[np.int32]
    grid: Grid

    def points(self, at_most: int | None = None) -> Points:
        """LPS mm (m, 3) of all voxel centres, or of an even selection of at most `at_most`."""
        step = 1 if at_most is None else -(-len(self.indices) // at_most)
        return self.grid.to_points(self.indices[::step])

    def box_points(self) -> Points:
        """LPS mm (8, 3) corners of the box around the voxel centres, in index space."""
        ends = np.stack([self.indices.min(0), self.indices.max(0)])
        return self.grid.to_points([(ends[i, 0], ends[j, 1], ends[k, 2]) for i, j, k in np.ndindex(2, 2, 2)])

    def inside(self, grid: Grid) -> int:
        """How many voxel centres lie in `grid`."""
        if grid.contains(self.box_points()).all():
            return len(self.indices)
        return int(np.count_nonzero(grid.contains(self.points())))

    @property
    def volume_mm3(self) -> float:
        """Volume of all voxels."""
        return len(self.indices) * self.grid.voxel_volume_mm3

    @property
    def centroid_mm(self) -> Points:
        """LPS mm (3,) mean of the voxel centres."""
        return self.grid.to_points(self.indices.mean(0))


def label_voxels(labels: sitk.Image) -> dict[int, LabelVoxels]:
    """The voxels of each non-zero label of a 3-D integer label map, by label."""
    array = array_view(labels)
    return voxels_where(array, array.reshape(-1) != 0, Grid.of(labels))


def voxels_where(array: NDArray[Any], chosen: NDArray[np.bool_], grid: Grid) -> dict[int, LabelVoxels]:
    """The voxels of each value of an integer array (z, y, x), by value.

    Args:
        array: on `grid`.
        chosen: which voxels of the flattened array count.
        grid: where it is.
    """
    places = np.flatnonzero(chosen)
    values = array.reshape(-1)[places]
    result = {}
    for number in np.unique(values):
        z, y, x = np.unravel_index(places[values == number], array.shape)
        result[int(number)] = LabelVoxels(np.stack([x, y, z], -1).astype(np.int32), grid)
    return result


def bone_corners(labels: sitk.Image) -> dict[int, NDArray[Any]]:
    """LPS mm corners (8, 3) of each vertebra's bounding box."""
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(labels)
    grid = Grid.of(labels)
    boxes = {int(n): statistics.GetBoundingBox(n) for n in statistics.GetLabels()}
    return {n: grid.crop(b[:3], b[3:]).corners() for n, b in boxes.items()}


def bone_points(
    labels: sitk.Image, corners: Mapping[int, NDArray[Any]], spacing_mm: float
) -> dict[int, NDArray[Any]]:
    """LPS points (n, 3) of each vertebra on an isotropic grid of the CT.

    Args:
        labels: of the CT.
        corners: of the vertebrae that are asked for (`bone_corners`).
        spacing_mm: of the grid.
    """
    grid = Grid.around(np.concatenate(list(corners.values())), spacing_mm)
    there = sitk.Resample(labels, grid.empty(), sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    array = array_view(there)
    return {n: grid.to_points(np.argwhere(array == n)[:, ::-1]) for n in corners}
