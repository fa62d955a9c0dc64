"""A stored composite transform in the form that DICOM's deformable registrations have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.voxels import array_view


@dataclass(frozen=True)
class GridMotion:
    """A map `p -> after(p + D(p))` of LPS mm points, D interpolated linearly and zero off the grid.

    Attributes:
        grid: right-handed grid of D, in the frame of p.
        displacement: D, (z, y, x, 3) LPS mm, float32.
        after: rigid motion.
    """

    grid: Grid
    displacement: NDArray[np.float32]
    after: Pose


def from_mr_to_ct(transform: sitk.CompositeTransform) -> GridMotion:
    """`mr_to_ct` as stored: first the field on its grid in the MR, then the rigid motion to the CT."""
    back, field = (transform.GetNthTransform(i).Downcast() for i in range(2))
    grid, displacement = _field(field)
    return GridMotion(grid, displacement.astype(np.float32), Pose.from_sitk(back))


def from_ct_to_mr(transform: sitk.CompositeTransform) -> GridMotion:
    """`ct_to_mr`, stored as the rigid motion G followed by a field E on a grid in the MR.

    The same map is `p -> G(p + R^-1 E(G p))` with G's rotation R: the grid, turned back into the CT,
    with its vectors turned back. Linear interpolation is the same on both grids.
    """
    field, forth = (transform.GetNthTransform(i).Downcast() for i in range(2))
    grid, displacement = _field(field)
    motion = Pose.from_sitk(forth)
    back = motion.inverse
    x, y, z = back.apply(grid.origin_mm)
    turned = Grid(
        grid.size, grid.spacing_mm, (float(x), float(y), float(z)), tuple((back.rotation @ grid.axes).ravel())
    )
    return GridMotion(turned, (displacement @ motion.rotation).astype(np.float32), motion)


def thinned(motion: GridMotion, spacing_mm: float) -> GridMotion:
    """The same motion on a coarser grid whose outermost nodes lie on or beyond those of the first."""
    ends = [(0, n - 1) for n in motion.grid.size]
    nodes = motion.grid.to_points([(x, y, z) for x in ends[0] for y in ends[1] for z in ends[2]])
    grid = Grid.around(nodes, spacing_mm, 0.0, motion.grid.axes)
    return replace(motion, grid=grid, displacement=_on(motion, grid))


def thinning_error_mm(full: GridMotion, coarse: GridMotion) -> tuple[float, float]:
    """Mean and largest distance in mm between two motions at the nodes of the first."""
    difference = np.linalg.norm(_on(coarse, full.grid) - full.displacement, axis=-1)
    return float(difference.mean()), float(difference.max())


def _on(motion: GridMotion, grid: Grid) -> NDArray[np.float32]:
    field = motion.grid.image(motion.displacement)
    moved = sitk.Resample(field, grid.empty(), sitk.Transform(), sitk.sitkLinear, 0.0)
    return array_view(moved).copy()


def _field(transform: sitk.Transform) -> tuple[Grid, NDArray[Any]]:
    image = sitk.DisplacementFieldTransform(transform).GetDisplacementField()
    return Grid.of(image), array_view(image).copy()
