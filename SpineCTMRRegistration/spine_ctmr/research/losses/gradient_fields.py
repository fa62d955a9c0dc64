"""Normalised gradient fields: edges of two images should have the same or opposite directions."""

from __future__ import annotations

import torch
from torch import Tensor

from .displacement import weighted_mean


def gradient_field_distance(
    first: Tensor, second: Tensor, weight: Tensor | None = None, edge: float = 1.0
) -> Tensor:
    """1 - cos^2 of the angle between the gradients of two images, mean over voxels; in [0, 1].

    The cosine is (<a, b> + e_a e_b) / (sqrt(|a|^2 + e_a^2) sqrt(|b|^2 + e_b^2)) with gradients a and b
    (Haber and Modersitzki 2006, with the edge parameter in the product as in Ruehaak et al. 2013, so that
    equal images and flat regions have distance 0).

    Args:
        first: (B, 1, Z, Y, X), any intensity unit.
        second: same shape.
        weight: how far each voxel counts, same shape; all alike by default.
        edge: the edge parameter e of an image in units of its mean gradient length; weaker gradients than
            this are noise.
    """
    a, b = _gradient(first), _gradient(second)
    edges = [edge * g.norm(dim=1).mean((1, 2, 3)).reshape(-1, 1, 1, 1).detach() for g in (a, b)]
    tiny = torch.finfo(first.dtype).tiny ** 0.5
    product = (a * b).sum(1) + edges[0] * edges[1] + tiny
    lengths = [g.square().sum(1) + e**2 + tiny for g, e in zip((a, b), edges, strict=True)]
    distance = 1 - product.square() / (lengths[0] * lengths[1])
    return distance.mean() if weight is None else weighted_mean(distance, weight[:, 0])


def _gradient(image: Tensor) -> Tensor:
    """Central differences (B, 3, Z, Y, X) per voxel."""
    return torch.stack(torch.gradient(image[:, 0], dim=(1, 2, 3)), 1)
