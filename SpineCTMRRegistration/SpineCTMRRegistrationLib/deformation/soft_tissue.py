"""Motion of the soft tissue between the bones, found on the images.

Optical flow on MIND-SSC descriptors: Gauss-Newton steps of the descriptor difference with a membrane
that keeps the change of a prior field (Horn and Schunck 1981), solved by conjugate gradients.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..vertebrae import descriptors
from .sampling import value_and_gradient


@dataclass(frozen=True)
class SoftTissueOptions:
    """How the soft tissue is followed.

    Attributes:
        stages: (coarsening factor, Gauss-Newton steps), from coarse to fine.
        stiffness: weight of the membrane against the evidence of one voxel.
        limit_mm: largest step.
    """

    stages: tuple[tuple[int, int], ...] = ((2, 6), (1, 1))
    stiffness: float = 3.0
    limit_mm: float = 3.0


def soft_motion(
    mr: torch.Tensor,
    ct: torch.Tensor,
    free: torch.Tensor,
    prior: torch.Tensor,
    spacing_mm: float,
    options: SoftTissueOptions,
) -> torch.Tensor:
    """Displacement (z, y, x, 3) in mm along the grid's axes from MR voxels to their places in `ct`.

    Args:
        mr: (z, y, x).
        ct: (z, y, x), moved to the MR as far as the bones explain.
        free: (z, y, x) in [0, 1]: 0 where the displacement must be zero or is unknown to the images.
        prior: (z, y, x, 3) mm, the displacement expected before looking.
        spacing_mm: of the grid.
        options: see `SoftTissueOptions`.
    """
    field = prior
    for factor, steps in options.stages:
        fixed, moving, inside = (_pooled(v[..., None], factor)[..., 0] for v in (mr, ct, free))
        expected, start = _pooled(prior, factor), _pooled(field, factor)
        found = _match(fixed, moving, inside, start, expected, spacing_mm * factor, steps, options)
        field = field + _spread(found - start, factor, mr.shape)
    return field * free[..., None]


def disagreement(
    mr: torch.Tensor, ct: torch.Tensor, free: torch.Tensor, field: torch.Tensor, spacing_mm: float
) -> float:
    """Mean squared MIND-SSC difference at half resolution where `free`, under a displacement.

    Arguments as for `soft_motion`; `field` is (z, y, x, 3) in mm.
    """
    fixed, moving, inside = (_pooled(v[..., None], 2)[..., 0] for v in (mr, ct, free))
    where = (inside > 0.5).nonzero()
    shift = _pooled(field, 2)[where[:, 0], where[:, 1], where[:, 2]] / (2 * spacing_mm)
    target = descriptors.dense(fixed)[where[:, 0], where[:, 1], where[:, 2]]
    value, _ = value_and_gradient(descriptors.dense(moving), where.flip(-1).float() + shift)
    return float((target - value).square().mean())


def _pooled(field: torch.Tensor, factor: int) -> torch.Tensor:
    """Mean of blocks of a field (z, y, x, c), padded to whole blocks."""
    if factor == 1:
        return field
    channels = field.permute(3, 0, 1, 2)[None]
    extra = [(-n) % factor for n in channels.shape[2:]]
    channels = F.pad(channels, (0, extra[2], 0, extra[1], 0, extra[0]), mode="replicate")
    return F.avg_pool3d(channels, factor)[0].permute(1, 2, 3, 0).contiguous()


def _spread(field: torch.Tensor, factor: int, shape: torch.Size) -> torch.Tensor:
    """Inverse of `_pooled` by linear interpolation between the blocks' centres."""
    if factor == 1:
        return field
    channels = F.interpolate(field.permute(3, 0, 1, 2)[None], scale_factor=factor, mode="trilinear")
    return channels[0, :, : shape[0], : shape[1], : shape[2]].permute(1, 2, 3, 0).contiguous()


def _match(
    mr: torch.Tensor,
    ct: torch.Tensor,
    free: torch.Tensor,
    field: torch.Tensor,
    prior: torch.Tensor,
    spacing_mm: float,
    steps: int,
    options: SoftTissueOptions,
) -> torch.Tensor:
    where = (free > 0.5).nonzero()
    target = descriptors.dense(mr)[where[:, 0], where[:, 1], where[:, 2]]
    moving = descriptors.dense(ct)
    index = where.flip(-1).float()
    mask = (free > 0.5)[..., None].float()
    for _ in range(steps):
        place = index + field[where[:, 0], where[:, 1], where[:, 2]] / spacing_mm
        value, slopes = value_and_gradient(moving, place)
        difference = target - value
        error = difference.square().mean(-1)
        scale = 1 / (12 * (error + error.mean()).clamp(min=1e-6) * spacing_mm)
        pull = torch.zeros_like(field)
        stiffness = torch.zeros((*field.shape, 3), device=field.device)
        gradient = torch.stack([(s * difference).sum(-1) * scale for s in slopes], -1)
        products = torch.stack([(a * b).sum(-1) * scale / spacing_mm for a in slopes for b in slopes], -1)
        pull[where[:, 0], where[:, 1], where[:, 2]] = gradient
        stiffness[where[:, 0], where[:, 1], where[:, 2]] = products.unflatten(-1, (3, 3))
        weight = options.stiffness
        right = pull - weight * _laplacian(field - prior) * mask
        step = _conjugate_gradients(stiffness, right, mask, weight, iterations=15)
        size = step.norm(dim=-1, keepdim=True)
        field = field + step * (options.limit_mm / size.clamp(min=options.limit_mm))
    return field


def _laplacian(field: torch.Tensor) -> torch.Tensor:
    """Sum of the differences to the six neighbours, (z, y, x, c); nothing flows through the border."""
    result = torch.zeros_like(field)
    for axis in range(3):
        change = field.diff(dim=axis)
        result.narrow(axis, 0, field.shape[axis] - 1).sub_(change)
        result.narrow(axis, 1, field.shape[axis] - 1).add_(change)
    return result


def _conjugate_gradients(
    stiffness: torch.Tensor, right: torch.Tensor, mask: torch.Tensor, weight: float, iterations: int
) -> torch.Tensor:
    """Solve (stiffness + weight * Laplacian) x = right on the mask, with x = 0 elsewhere."""
    diagonal = stiffness.diagonal(dim1=-2, dim2=-1) + 6 * weight
    x = torch.zeros_like(right)
    residual = right * mask
    direction = scaled = residual / diagonal
    power = (residual * scaled).sum()
    for _ in range(iterations):
        image = ((stiffness @ direction[..., None])[..., 0] + weight * _laplacian(direction)) * mask
        length = power / (direction * image).sum().clamp(min=1e-20)
        x = x + length * direction
        residual = residual - length * image
        scaled = residual / diagonal
        new_power = (residual * scaled).sum()
        direction = scaled + direction * (new_power / power.clamp(min=1e-20))
        power = new_power
    return x
