"""Do the two directions of a transform undo each other, and how rigid is it in a bone?"""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from ..geometry.grid import Grid, Points
from ..geometry.pose import Pose
from ..geometry.sampling import sample_field
from ..geometry.transforms import map_points
from ..geometry.voxels import array_view
from .metrics import dice

FIT_POINTS = 1500


def inverse_consistency(to_ct: sitk.Transform, to_mr: sitk.Transform, points: Points) -> NDArray[np.float64]:
    """Distances in mm (n,) of MR points (n, 3) from themselves after going to the CT and back."""
    return np.linalg.norm(map_points(to_mr, map_points(to_ct, points)) - points, axis=1)


def field_consistency(
    field: NDArray[Any], inverse: NDArray[Any], grid: Grid, points: Points
) -> NDArray[np.float64]:
    """Distances in mm (n,) of points (n, 3) from themselves after a displacement and its inverse.

    Args:
        field: (z, y, x, 3) LPS mm.
        inverse: likewise, on the same grid.
        grid: of both; nothing moves outside it.
        points: LPS mm in the grid.
    """

    def moved(displacement: NDArray[Any], places: Points) -> Points:
        index = torch.from_numpy(grid.to_indices(places)).float()
        return places + sample_field(torch.from_numpy(displacement), index).double().numpy()

    return np.linalg.norm(moved(inverse, moved(field, points)) - points, axis=1)


def points_in(grid: Grid, count: int = 2000, seed: int = 0) -> Points:
    """Random LPS points (n, 3) between the voxel centres of a grid."""
    share = np.random.default_rng(seed).uniform(0, 1, (count, 3))
    return grid.to_points(share * (np.array(grid.size) - 1))


def closest_rigid(transform: sitk.Transform, points: Points) -> Pose:
    """The rigid motion nearest to a transform at points (n, 3), by least squares."""
    return Pose.fit(points, map_points(transform, points))


def rigid_dice(mask: NDArray[np.bool_], grid: Grid, to_ct: sitk.Transform, to_mr: sitk.Transform) -> float:
    """Dice overlap of a bone with itself moved by the nearest rigid motion (Jian et al. 2022); 1 = rigid.

    The bone is taken to the CT by the rigid motion nearest to `to_ct` and back by `to_mr`, so errors of
    the inverse count too.

    Args:
        mask: (z, y, x) the bone in the MR.
        grid: of the mask.
        to_ct: `mr_to_ct`.
        to_mr: `ct_to_mr`.
    """
    voxels = np.argwhere(mask)[:, ::-1]
    if len(voxels) < 4:
        return float("nan")
    nearest = closest_rigid(to_ct, grid.to_points(voxels[:: max(1, len(voxels) // FIT_POINTS)]))
    path = sitk.CompositeTransform([to_mr, nearest.to_sitk()])
    image = grid.image(mask.astype(np.float32))
    there = sitk.Resample(image, grid.empty(), path, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return dice(mask, array_view(there) >= 0.5)
