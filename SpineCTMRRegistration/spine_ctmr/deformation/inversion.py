"""The inverse of a displacement field."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..geometry.boxes import node_coordinates
from ..geometry.grid import Grid
from ..geometry.sampling import sample_field, value_and_gradient

TOLERANCE_MM = 0.005
NEARLY_MM = 0.03
"""One step of the iteration brings nodes that are this good below `TOLERANCE_MM`."""
CONTRADICTION = 0.3
SLAB_LAYERS = 32
"""Looked at together: enough work for every thread, little memory."""
FIXED_POINT_STEPS = 8
NEWTON_STEPS = 20


def refine_grid(field: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """A field (z, y, x, 3) on every n-th node, interpolated to all nodes; first and last nodes coincide."""
    fine = field.new_empty((*shape, field.shape[-1]))
    for channel, values in zip(fine.unbind(-1), field.unbind(-1), strict=True):
        channel.copy_(F.interpolate(values[None, None], shape, mode="trilinear", align_corners=True)[0, 0])
    return fine


def invert_displacement(displacement: torch.Tensor, box: Grid, stride: int = 2) -> torch.Tensor:
    """The displacement E (z, y, x, 3) with q + E(q) + D(q + E(q)) = q at every node q of the box.

    All in mm along the box axes; of the trilinear interpolant of D.
    """
    inverse = approximate_inverse(displacement, box, stride)
    refine_inverse(inverse, displacement, box.spacing_mm[0])
    return inverse


def approximate_inverse(displacement: torch.Tensor, box: Grid, stride: int = 2) -> torch.Tensor:
    """The inverse at every `stride`-th node, interpolated to all (z, y, x, 3)."""
    nodes = node_coordinates(box.coarse(stride), displacement.device)
    start = -displacement[::stride, ::stride, ::stride]
    inverse = _solve(displacement, nodes.reshape(-1, 3), start.reshape(-1, 3), box.spacing_mm[0])
    return refine_grid(inverse.reshape(nodes.shape), box.shape)


def refine_inverse(
    inverse: torch.Tensor,
    displacement: torch.Tensor,
    spacing_mm: float,
    known: torch.Tensor | None = None,
    exact: torch.Tensor | None = None,
) -> None:
    """Improve an approximate inverse (z, y, x, 3) in place.

    Nodes of `known` (z, y, x) keep their value unless the displacement takes them elsewhere, by more than
    `CONTRADICTION` of the spacing. Nodes of `exact` (z, y, x), a part of `known`, keep it anyway.
    """
    axes = [torch.arange(n, device=inverse.device) * spacing_mm for n in inverse.shape[:3]]
    for first in range(0, len(inverse), SLAB_LAYERS):
        part = slice(first, first + SLAB_LAYERS)
        layers = inverse[part]
        nodes = torch.stack(torch.meshgrid(axes[0][part], axes[1], axes[2], indexing="ij")[::-1], -1)
        error = layers + sample_field(displacement, nodes + layers, spacing_mm)
        size = error.norm(dim=-1)
        off = size > NEARLY_MM
        if known is not None:
            kept = known[part] & (size <= CONTRADICTION * spacing_mm)
            if exact is not None:
                kept |= exact[part]
            off &= ~kept
            error[kept] = 0
        layers -= error
        if off.any():
            layers[off] = _solve(displacement, nodes[off], layers[off], spacing_mm)


def _solve(
    displacement: torch.Tensor, nodes: torch.Tensor, inverse: torch.Tensor, spacing_mm: float
) -> torch.Tensor:
    """The inverse (n, 3) at nodes (n, 3), to `TOLERANCE_MM`.

    Fixed-point iteration (Chen et al. 2008, Med Phys 35:81); then Newton's, with steps halved where they
    make the error larger, at the nodes where tissue is stretched too much for that to converge.
    """
    result = inverse.clone()
    index = torch.arange(len(nodes), device=nodes.device)
    for _ in range(FIXED_POINT_STEPS):
        error = inverse + sample_field(displacement, nodes + inverse, spacing_mm)
        going = error.norm(dim=-1) > TOLERANCE_MM
        if not going.any():
            return result
        index, nodes = index[going], nodes[going]
        inverse = inverse[going] - error[going]
        result[index] = inverse
    result[index] = _newton(displacement, nodes, inverse, spacing_mm)
    return result


def _newton(
    displacement: torch.Tensor, nodes: torch.Tensor, inverse: torch.Tensor, spacing_mm: float
) -> torch.Tensor:
    """Damped Newton iterations of the inverse (n, 3) at nodes (n, 3)."""
    error = inverse + sample_field(displacement, nodes + inverse, spacing_mm)
    size = error.norm(dim=-1, keepdim=True)
    step = torch.ones_like(size)
    for _ in range(NEWTON_STEPS):
        if float(size.max()) <= TOLERANCE_MM:
            break
        slopes = value_and_gradient(displacement, (nodes + inverse) / spacing_mm)[1]
        derivative = torch.stack(slopes, -1) / spacing_mm + torch.eye(3, device=nodes.device)
        direction, failed = torch.linalg.solve_ex(derivative, error)
        direction = torch.where(failed[:, None] > 0, error, direction)
        attempt = inverse - step * direction
        new_error = attempt + sample_field(displacement, nodes + attempt, spacing_mm)
        new_size = new_error.norm(dim=-1, keepdim=True)
        better = new_size < size
        inverse = torch.where(better, attempt, inverse)
        error = torch.where(better, new_error, error)
        size = torch.where(better, new_size, size)
        step = torch.where(better, (2 * step).clamp(max=1), 0.5 * step)
    return inverse
