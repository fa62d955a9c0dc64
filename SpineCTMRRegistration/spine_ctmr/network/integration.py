"""From a stationary velocity field to a displacement field: scaling and squaring.

Fields are (B, 3, Z, Y, X) tensors in mm with components (x, y, z) along the grid's axes, sampled at
voxel centres. Outside the grid a field continues with its border value.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

Spacing = float | tuple[float, float, float]
"""Voxel spacing in mm, one for all axes or along (x, y, z)."""

SQUARINGS = 7


def integrate(velocity: Tensor, spacing_mm: Spacing, squarings: int = SQUARINGS) -> Tensor:
    """Displacement (B, 3, Z, Y, X) in mm of exp(velocity) on the same grid.

    Scaling and squaring (Arsigny et al. 2006): 2^squarings equal steps by repeated composition.
    """
    displacement = velocity / 2**squarings
    for _ in range(squarings):
        displacement = compose(displacement, displacement, spacing_mm)
    return displacement


def compose(outer: Tensor, inner: Tensor, spacing_mm: Spacing) -> Tensor:
    """Displacement of (id + outer) after (id + inner), all (B, 3, Z, Y, X) in mm on one grid."""
    return inner + warp(outer, inner, spacing_mm)


def warp(
    image: Tensor, displacement: Tensor, spacing_mm: Spacing, mode: str = "bilinear", margin: int = 0
) -> Tensor:
    """Values (B, C, Z, Y, X) of `image` at x + displacement(x).

    Args:
        image: (B, C, Z + 2m, Y + 2m, X + 2m) on the displacement's grid with m = `margin` more voxels on
            every side.
        displacement: (B, 3, Z, Y, X) in mm along the grid's axes.
        spacing_mm: the grid's spacing.
        mode: "bilinear" (trilinear in 3-D) or "nearest".
        margin: voxels of the image before the displacement's first one.
    """
    scale = displacement.new_tensor(_xyz(spacing_mm))
    sides = displacement.new_tensor(image.shape[:1:-1])
    index = voxel_indices(displacement.shape[2:], displacement) + margin
    index = index + displacement.permute(0, 2, 3, 4, 1) / scale
    # align_corners=True puts -1 and 1 on the centres of the outermost voxels.
    normalised = 2 * index / (sides - 1).clamp(min=1) - 1
    return functional.grid_sample(image, normalised, mode, padding_mode="border", align_corners=True)


def voxel_indices(shape: torch.Size | tuple[int, ...], like: Tensor) -> Tensor:
    """Indices (Z, Y, X, 3) in (x, y, z) order with the type and device of `like`."""
    axes = [torch.arange(n, dtype=like.dtype, device=like.device) for n in shape]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, z], -1)


def upsample(field: Tensor) -> Tensor:
    """A field (B, C, Z, Y, X) on voxels half as wide: (B, C, 2Z, 2Y, 2X), same values in mm.

    Sample k becomes index 2k + 0.5, as in `VelocityUNet`; linear fields are reproduced exactly except in
    the outermost voxels, which repeat the border value half a voxel further in.
    """
    return functional.interpolate(field, scale_factor=2, mode="trilinear", align_corners=False)


def displacement_of(velocity: Tensor, spacing_mm: Spacing) -> Tensor:
    """Full-resolution displacement (B, 3, 2Z, 2Y, 2X) in mm of the network's half-resolution velocity.

    Args:
        velocity: (B, 3, Z, Y, X) in mm, the output of `VelocityUNet`.
        spacing_mm: spacing of the *full-resolution* grid.
    """
    x, y, z = _xyz(spacing_mm)
    return upsample(integrate(velocity, (2 * x, 2 * y, 2 * z)))


def _xyz(spacing_mm: Spacing) -> tuple[float, float, float]:
    if isinstance(spacing_mm, tuple):
        return spacing_mm
    return spacing_mm, spacing_mm, spacing_mm
