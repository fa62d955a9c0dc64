"""Difference of two images by their MIND-SSC (Heinrich et al. 2013)."""

from __future__ import annotations

from torch import Tensor

from ...similarity.mind import mind_ssc
from .displacement import weighted_mean


def mind_loss(fixed: Tensor, warped: Tensor, weight: Tensor, radius: int = 2, dilation: int = 2) -> Tensor:
    """Mean squared difference of the MIND-SSC of two images, as in Jian et al. 2022.

    Args:
        fixed: (B, 1, Z, Y, X).
        warped: same shape.
        weight: how far each voxel counts, same shape: 0 where there is no image, which has no descriptor.
        radius: see `mind_ssc`.
        dilation: see `mind_ssc`.
    """
    difference = mind_ssc(fixed, radius, dilation) - mind_ssc(warped, radius, dilation)
    return weighted_mean(difference.square().mean(1, keepdim=True), weight)
