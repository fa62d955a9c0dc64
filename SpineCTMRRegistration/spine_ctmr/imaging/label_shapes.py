"""Size, place and thickness of labels, as far as they tell what a label can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.grid import Points
from ..geometry.voxels import array_view
from .label_voxels import LabelVoxels

SMALLEST_MM3 = 500.0
"""Labels with less volume say nothing about the anatomy."""
_STEP_MM = 1.5
"""Labels are looked at on every n-th voxel, about this far apart."""
_CORE = 0.75
"""The core of a label is deeper than this share of its depth: of a vertebra, the middle of the body."""
_LONGEST_CORE = 1.7, 0.5
"""Length of the core along the spine, over its depth and over the cube root of the label's volume.

In one vertebra up to 1.0 and 0.3, with holes for screws to 2.1 and 0.4; in two from 2.2 and 0.56 on.
"""
_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class LabelShape:
    """One label.

    Attributes:
        volume_mm3: of all its voxels.
        center_mm: LPS mean (3,) of its voxels.
        core_mm: LPS points (n, 3) in its thickest parts.
        depth_mm: greatest distance from its surface.
    """

    volume_mm3: float
    center_mm: Points
    core_mm: Points
    depth_mm: float

    def bodies(self, axis: Points) -> int:
        """How many vertebral bodies it seems to hold, one upon another along a unit LPS vector (3,)."""
        along = np.sort(self.core_mm @ axis)
        by_depth, by_size = _LONGEST_CORE
        if along[-1] - along[0] <= max(by_depth * self.depth_mm, by_size * np.cbrt(self.volume_mm3)):
            return 1
        return max(2, int(np.count_nonzero(np.diff(along) > 0.5 * self.depth_mm)) + 1)


def label_shapes(voxels: Mapping[int, LabelVoxels]) -> dict[int, LabelShape]:
    """The shape of every label of at least SMALLEST_MM3, by label."""
    large = {n: v for n, v in voxels.items() if v.volume_mm3 >= SMALLEST_MM3}
    return {n: LabelShape(v.volume_mm3, v.centroid_mm, *_core(v)) for n, v in large.items()}


def spine_axis(centers: Points) -> Points:
    """Unit LPS vector (3,) along `centers` (n, 3), towards the head; up where they are too few to tell."""
    if len(centers) < 2 or np.ptp(centers, axis=0).max() < 1.0:
        return _UP
    axis = np.linalg.svd(centers - centers.mean(0), full_matrices=False)[2][0]
    return axis if axis[2] >= 0 else -axis


def _core(voxels: LabelVoxels) -> tuple[NDArray[Any], float]:
    """LPS points (n, 3) in the core of a label, and its greatest depth in mm."""
    steps = np.maximum(1, np.rint(_STEP_MM / np.array(voxels.grid.spacing_mm)).astype(int))
    start = voxels.indices.min(0)
    coarse = (voxels.indices - start)[np.all((voxels.indices - start) % steps == 0, axis=1)] // steps
    mask = np.zeros((coarse.max(0) + 3)[::-1], np.uint8)
    mask[tuple(coarse.T[::-1] + 1)] = 1
    image = sitk.GetImageFromArray(mask)
    image.SetSpacing((steps * voxels.grid.spacing_mm).tolist())
    inside = sitk.SignedMaurerDistanceMap(
        image, insideIsPositive=True, squaredDistance=False, useImageSpacing=True
    )
    depths = array_view(inside)
    deepest = float(depths.max())
    where = np.argwhere(depths >= _CORE * deepest)[:, ::-1] - 1
    return voxels.grid.to_points(where * steps + start), deepest
