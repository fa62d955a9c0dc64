"""Correlation of two images of one modality."""

from __future__ import annotations

import torch
from torch import Tensor


def correlation_loss(first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """1 - normalised cross-correlation over the whole image, mean over samples (Cao et al. 2018, eq. 3).

    0 where one image is an increasing linear function of the other, up to 2; 1 for a constant image.

    Args:
        first: (B, 1, Z, Y, X).
        second: same shape.
        weight: how far each voxel counts, same shape.
    """
    share = weight.flatten(1)
    share = share / share.sum(1, keepdim=True).clamp(min=torch.finfo(share.dtype).tiny)
    a, b = (_centred(image.flatten(1), share) for image in (first, second))
    tiny = torch.finfo(a.dtype).eps
    variances = (share * a.square()).sum(1) * (share * b.square()).sum(1)
    return (1 - (share * a * b).sum(1) / (variances + tiny**2).sqrt()).mean()


def _centred(values: Tensor, share: Tensor) -> Tensor:
    return values - (share * values).sum(1, keepdim=True)
