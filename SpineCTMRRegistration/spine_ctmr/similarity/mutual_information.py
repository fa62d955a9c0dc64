"""Mutual information of two images from Parzen-windowed histograms."""

from __future__ import annotations

import torch
from torch import Tensor

WIDTH = 0.5
"""Standard deviation of the Gaussian Parzen window, in distances between bins."""


def joint_probability(first: Tensor, second: Tensor, weight: Tensor | None = None, bins: int = 24) -> Tensor:
    """Joint distribution (B, bins, bins) of two images' intensities; every sample's sums to 1.

    Every voxel is spread over the bins by a Gaussian window (van Ulsen 2022, eq. 3.9 and 3.10; Parzen 1962),
    scaled so that a voxel counts as much at the ends of the range as in its middle.

    Args:
        first: (B, 1, Z, Y, X) in [0, 1].
        second: same shape.
        weight: how far each voxel counts, same shape; all alike by default.
        bins: at equal distances from 0 to 1.
    """
    a, b = (_windows(image, bins) for image in (first, second))
    if weight is not None:
        a = a * weight.flatten(1)[..., None]
    joint = a.transpose(1, 2) @ b
    return joint / joint.sum((1, 2), keepdim=True).clamp(min=torch.finfo(joint.dtype).tiny)


def entropies(joint: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """H(A), H(B) and H(A, B) in nats, each (B,), of joint distributions (van Ulsen 2022, eq. 3.6 and 3.7)."""
    return _entropy(joint.sum(2)), _entropy(joint.sum(1)), _entropy(joint.flatten(1))


def mutual_information(first: Tensor, second: Tensor, weight: Tensor | None = None, bins: int = 24) -> Tensor:
    """H(A) + H(B) - H(A, B) in nats, mean over samples (van Ulsen 2022, eq. 3.5); to be maximised.

    Arguments as for `joint_probability`.
    """
    a, b, both = entropies(joint_probability(first, second, weight, bins))
    return (a + b - both).mean()


def normalised_mutual_information(
    first: Tensor, second: Tensor, weight: Tensor | None = None, bins: int = 24
) -> Tensor:
    """(H(A) + H(B)) / H(A, B), mean over samples (Studholme et al. 1999); to be maximised.

    1 for independent intensities, 2 where each intensity tells the other; 1 for images of one intensity.
    Arguments as for `joint_probability`.
    """
    a, b, both = entropies(joint_probability(first, second, weight, bins))
    tiny = torch.finfo(both.dtype).eps
    return ((a + b + tiny) / (both + tiny)).mean()


def _windows(image: Tensor, bins: int) -> Tensor:
    """Share (B, n, bins) of every voxel in every bin."""
    centers = torch.linspace(0, 1, bins, dtype=image.dtype, device=image.device)
    distance = (image.flatten(1)[..., None] - centers) * ((bins - 1) / WIDTH)
    return torch.softmax(-distance.square() / 2, -1)


def _entropy(probability: Tensor) -> Tensor:
    return -torch.special.xlogy(probability, probability.clamp(min=torch.finfo(probability.dtype).tiny)).sum(
        1
    )
