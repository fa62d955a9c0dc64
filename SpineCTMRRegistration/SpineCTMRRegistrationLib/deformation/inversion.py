"""The inverse of a displacement field."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..imaging.grid import Grid
from .polyrigid import node_coordinates


def sample_vectors(field: torch.Tensor, points: torch.Tensor, spacing_mm: float) -> torch.Tensor:
    """Trilinear values (..., 3) of a field (z, y, x, 3) at box coordinates (..., 3) in mm."""
    size = torch.tensor(field.shape[2::-1], dtype=torch.float32, device=field.device)
    where = points * (2 / (spacing_mm * (size - 1).clamp(min=1))) - 1
    sampled = F.grid_sample(
        field.permute(3, 0, 1, 2)[None],
        where.reshape(1, 1, 1, -1, 3),
        padding_mode="border",
        align_corners=True,
    )
    return sampled.reshape(3, -1).T.reshape(points.shape)


def refine_grid(field: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """A field (z, y, x, 3) on every n-th node, interpolated to all nodes; first and last nodes coincide."""
    channels = field.permute(3, 0, 1, 2)[None]
    return (
        F.interpolate(channels, size=shape, mode="trilinear", align_corners=True)[0]
        .permute(1, 2, 3, 0)
        .contiguous()
    )


def invert_displacement(
    displacement: torch.Tensor, box: Grid, stride: int = 2, iterations: int = 8
) -> torch.Tensor:
    """The displacement E (z, y, x, 3) with q + E(q) + D(q + E(q)) = q at every node q of the box.

    Fixed-point iteration (Chen et al. 2008, Med Phys 35:81) on the trilinear interpolant of D, which
    converges where D changes by less than its distance; both in mm along the box axes. It starts on
    every `stride`-th node and finishes on all.
    """
    spacing = box.spacing_mm[0]
    nodes = node_coordinates(box, displacement.device)
    coarse = nodes[::stride, ::stride, ::stride]
    inverse = torch.zeros_like(coarse)
    for _ in range(iterations):
        inverse = -sample_vectors(displacement, coarse + inverse, spacing)
    inverse = refine_grid(inverse, nodes.shape[:3])
    for _ in range(2):
        inverse = -sample_vectors(displacement, nodes + inverse, spacing)
    return inverse
