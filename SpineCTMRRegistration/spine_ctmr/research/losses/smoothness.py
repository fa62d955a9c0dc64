"""Smoothness of a velocity field."""

from __future__ import annotations

import torch
from torch import Tensor


def diffusion(field: Tensor, spacing_mm: float | tuple[float, float, float]) -> Tensor:
    """Diffusion regulariser: mean squared derivative over all voxels, components and axes.

    Forward differences as in VoxelMorph (Balakrishnan et al. 2019), but in mm per mm, so that the value
    does not depend on the grid's spacing.

    Args:
        field: (B, C, Z, Y, X) in mm.
        spacing_mm: of the field's grid, one for all axes or along (x, y, z).
    """
    x, y, z = spacing_mm if isinstance(spacing_mm, tuple) else (spacing_mm,) * 3
    terms = [(field.diff(dim=dim) / step).square().mean() for dim, step in ((4, x), (3, y), (2, z))]
    return torch.stack(terms).mean()
