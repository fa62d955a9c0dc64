"""The inverse of a displacement field."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..imaging.grid import Grid
from .polyrigid import node_coordinates

TOLERANCE_MM = 0.01


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
    displacement: torch.Tensor, box: Grid, stride: int = 2, iterations: int = 10
) -> torch.Tensor:
    """The displacement E (z, y, x, 3) with q + E(q) + D(q + E(q)) = q at every node q of the box.

    Fixed-point iteration (Chen et al. 2008, Med Phys 35:81) on the trilinear interpolant of D, damped
    where a step makes the error larger; all in mm along the box axes. It starts on every `stride`-th node
    and goes on where the interpolated answer is not yet good.
    """
    spacing = box.spacing_mm[0]
    nodes = node_coordinates(box, displacement.device)
    coarse = nodes[::stride, ::stride, ::stride]
    inverse = _iterate(displacement, coarse, torch.zeros_like(coarse), spacing, iterations)
    inverse = refine_grid(inverse, nodes.shape[:3])
    error = inverse + sample_vectors(displacement, nodes + inverse, spacing)
    open_nodes = error.norm(dim=-1) > TOLERANCE_MM
    inverse -= error * ~open_nodes[..., None]
    inverse[open_nodes] = _iterate(
        displacement, nodes[open_nodes], inverse[open_nodes], spacing, 2 * iterations
    )
    return inverse


def _iterate(
    displacement: torch.Tensor, nodes: torch.Tensor, inverse: torch.Tensor, spacing_mm: float, iterations: int
) -> torch.Tensor:
    """Damped fixed-point iterations of the inverse (..., 3) at nodes (..., 3)."""
    error = inverse + sample_vectors(displacement, nodes + inverse, spacing_mm)
    size = error.norm(dim=-1, keepdim=True)
    step = torch.ones_like(size)
    for _ in range(iterations):
        attempt = inverse - step * error
        new_error = attempt + sample_vectors(displacement, nodes + attempt, spacing_mm)
        new_size = new_error.norm(dim=-1, keepdim=True)
        better = new_size < size
        inverse = torch.where(better, attempt, inverse)
        error = torch.where(better, new_error, error)
        size = torch.where(better, new_size, size)
        step = torch.where(better, (1.5 * step).clamp(max=1), 0.5 * step)
    return inverse
