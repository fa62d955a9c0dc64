"""Trilinear values and gradients of multi-channel volumes at scattered points."""

from __future__ import annotations

import torch
import torch.nn.functional as F

WORTH_A_THREAD = 20_000
"""Points for which another thread is started."""


def linear_samples(volume: torch.Tensor, where: torch.Tensor, padding: str = "border") -> torch.Tensor:
    """Trilinear values (c, n) of a volume (c, z, y, x) at points, on all threads.

    torch samples every volume of a batch on one thread, so the points are dealt out to a batch of views.

    Args:
        volume: float32.
        where: (n, 3) places (x, y, z): -1 at the first node of an axis, 1 at the last.
        padding: outside, the value of the "border" or "zeros".
    """
    threads = 1 if where.is_cuda else min(torch.get_num_threads(), 1 + len(where) // WORTH_A_THREAD)
    share = -(-len(where) // threads)
    dealt = F.pad(where, (0, 0, 0, threads * share - len(where))) if threads > 1 else where
    sampled = F.grid_sample(
        volume.expand(threads, *volume.shape),
        dealt.reshape(threads, 1, 1, share, 3),
        padding_mode=padding,
        align_corners=True,
    )
    return sampled.transpose(0, 1).reshape(len(volume), -1)[:, : len(where)]


def sample_field(field: torch.Tensor, points: torch.Tensor, spacing_mm: float = 1.0) -> torch.Tensor:
    """Trilinear values (..., c) of a field (z, y, x, c) at places (..., 3), in mm from its first node.

    With the default spacing the places are indices (x, y, z). Outside, the value at the border.
    """
    size = torch.tensor(field.shape[2::-1], dtype=torch.float32, device=field.device)
    where = points * (2 / (spacing_mm * (size - 1).clamp(min=1))) - 1
    values = linear_samples(field.permute(3, 0, 1, 2), where.reshape(-1, 3)).T
    return values.reshape(*points.shape[:-1], field.shape[-1])


def value_and_gradient(
    volume: torch.Tensor, index: torch.Tensor
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Values (n, c) and their derivatives, each (n, c), with respect to the index (x, y, z).

    Args:
        volume: (z, y, x, c) float32.
        index: (n, 3) continuous indices (x, y, z); points outside take the value at the border.
    """
    nz, ny, nx, channels = volume.shape
    flat = volume.view(-1, channels)
    limit = torch.tensor([nx - 1.001, ny - 1.001, nz - 1.001], device=index.device)
    index = index.clamp(min=0).minimum(limit)
    corner = index.floor()
    fx, fy, fz = (index - corner)[:, None].unbind(-1)
    x, y, z = corner.long().unbind(-1)
    base = (z * ny + y) * nx + x
    row, plane = nx, nx * ny
    low, high = {}, {}
    for dy in (0, 1):
        for dz in (0, 1):
            start = base + dy * row + dz * plane
            low[dy, dz], high[dy, dz] = flat.index_select(0, start), flat.index_select(0, start + 1)
    along_x = {k: high[k] - low[k] for k in low}
    at_x = {k: low[k] + along_x[k] * fx for k in low}
    dy0, dy1 = at_x[1, 0] - at_x[0, 0], at_x[1, 1] - at_x[0, 1]
    at_y0, at_y1 = at_x[0, 0] + dy0 * fy, at_x[0, 1] + dy1 * fy
    change_z = at_y1 - at_y0
    dx0 = along_x[0, 0] + (along_x[1, 0] - along_x[0, 0]) * fy
    dx1 = along_x[0, 1] + (along_x[1, 1] - along_x[0, 1]) * fy
    return at_y0 + change_z * fz, (dx0 + (dx1 - dx0) * fz, dy0 + (dy1 - dy0) * fz, change_z)
