"""Local normalised cross-correlation of two images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .displacement import weighted_mean

EPSILON = 1e-10
"""Products of variances near this count as noise; intensities are in [0, 1]."""


def local_correlation(first: Tensor, second: Tensor, weight: Tensor | None = None, window: int = 9) -> Tensor:
    """Squared correlation in cubes around every voxel, mean over voxels; in [0, 1], to be maximised.

    The summand of Gao and Zheng 2022, eq. 5, which sums it over the image. Their weights fit a mean, as in
    VoxelMorph (Balakrishnan et al. 2019), whose cube of 9 voxels they do not change. Cubes end at the border
    of the image. Where one of the images is flat the value is 0.

    Args:
        first: (B, 1, Z, Y, X) in [0, 1].
        second: same shape.
        weight: how far each voxel counts, same shape; all alike by default.
        window: side of the cube in voxels; an even number counts as the next odd one.
    """
    a, b = first - first.mean().detach(), second - second.mean().detach()
    means = _local_means(torch.cat([a, b, a * a, b * b, a * b], 1), window // 2)
    mean_a, mean_b, square_a, square_b, product = means.split(1, 1)
    covariance = product - mean_a * mean_b
    variances = (square_a - mean_a**2).clamp(min=0) * (square_b - mean_b**2).clamp(min=0)
    correlation = covariance.square() / (variances + EPSILON)
    return correlation.mean() if weight is None else weighted_mean(correlation, weight)


def _local_means(values: Tensor, reach: int) -> Tensor:
    """Means over cubes that reach so many voxels to every side, cut at the border: axis by axis."""
    for axis in range(3):
        sides = [2 * reach + 1 if k == axis else 1 for k in range(3)]
        padding = [reach if k == axis else 0 for k in range(3)]
        values = functional.avg_pool3d(values, sides, 1, padding, count_include_pad=False)
    return values
