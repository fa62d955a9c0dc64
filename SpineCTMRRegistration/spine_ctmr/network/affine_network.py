"""The affine stage of ACSGRegNet and AVoxelMorph (Gao and Zheng 2022, section 2.1 and figure 2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .integration import voxel_indices

SLOPE = 0.2
POOLED = (2, 4, 4)
"""Sides (z, y, x) of the features that the fully connected layer sees: those of the paper's crop."""


class AffineNetwork(nn.Module):
    """Twelve affine parameters of a pair of images.

    Blocks of a 3x3x3 convolution, batch normalisation and leaky ReLU: one of stride 2 and two of stride 1
    for every number of channels. The paper has five such steps and is silent about the channels, the
    slope (0.2 as in VoxelMorph) and about images of other sizes: their last features are pooled to
    those of its 128 x 128 x 64 crop, where pooling changes nothing.

    Args:
        channels: of the steps.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        steps = []
        for inputs, outputs in zip((2, *channels), channels, strict=False):
            steps += [_block(inputs, outputs, 2), _block(outputs, outputs, 1), _block(outputs, outputs, 1)]
        self.features = nn.Sequential(*steps)
        self.pool = nn.AdaptiveAvgPool3d(POOLED)
        self.parameters_of = nn.Linear(channels[-1] * POOLED[0] * POOLED[1] * POOLED[2], 12)
        nn.init.normal_(self.parameters_of.weight, std=1e-5)
        nn.init.zeros_(self.parameters_of.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Parameters (B, 12) of images (B, 2, Z, Y, X), nearly 0 before training: the identity."""
        features = self.pool(self.features(images)).flatten(1)
        with torch.autocast(images.device.type, enabled=False):
            parameters: Tensor = self.parameters_of(features.to(self.parameters_of.weight.dtype))
        return parameters


def affine_displacement(parameters: Tensor, shape: Sequence[int], spacing_mm: float) -> Tensor:
    """Displacement (B, 3, Z, Y, X) in mm, components (x, y, z): M p + t at p mm from the grid's middle.

    Args:
        parameters: (B, 12). The first nine are the rows of M, the affine matrix less the identity. The
            others are the translation t in halves of the grid's longest side.
        shape: (Z, Y, X) of the grid.
        spacing_mm: of the isotropic grid.
    """
    middle = parameters.new_tensor([(n - 1) / 2 for n in reversed(shape)])
    points = (voxel_indices(tuple(shape), parameters) - middle) * spacing_mm
    moved = torch.einsum("bij,zyxj->bizyx", linear_part(parameters), points)
    translation = parameters[:, 9:] * (max(shape) / 2 * spacing_mm)
    return moved + translation[:, :, None, None, None]


def linear_part(parameters: Tensor) -> Tensor:
    """The affine matrix less the identity, (B, 3, 3), of parameters (B, 12)."""
    return parameters[:, :9].reshape(-1, 3, 3)


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv3d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm3d(outputs), nn.LeakyReLU(SLOPE))
