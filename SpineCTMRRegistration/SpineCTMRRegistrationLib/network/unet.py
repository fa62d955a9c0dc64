"""The registration network: a U-Net from an (MR, CT) pair to a stationary velocity field."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

ENCODER_CHANNELS = (32, 32, 64, 64, 64)
DECODER_CHANNELS = (64, 64, 64)
HEAD_CHANNELS = (32, 32)
SLOPE = 0.2
SIZE_MULTIPLE = 2 ** (len(ENCODER_CHANNELS) - 1)
"""Every side of the input must be a multiple of this many voxels."""


class VelocityUNet(nn.Module):
    """Half-resolution diffeomorphic VoxelMorph of Jian et al. 2022 (1,000,163 parameters).

    Encoder: 3x3x3 convolutions with max-pooling between them. Decoder: nearest-neighbour x2,
    concatenation with the encoder's features, convolution; it ends at half resolution.

    Input (B, 2, Z, Y, X): channel 0 the MR (fixed), channel 1 the CT (moving), both in [0, 1] on one
    grid; every side a multiple of `SIZE_MULTIPLE`.

    Output (B, 3, Z/2, Y/2, X/2): velocity in mm per unit time, components (x, y, z) along the grid's
    axes. Sample k along an axis belongs to the centre of input voxels 2k and 2k+1, that is to input
    index 2k + 0.5; its spacing is twice the input's. The flow integrated over unit time is `mr_to_ct`
    less the identity. `integration.py` follows this convention.

    Attributes:
        velocity_scale_mm: constant that turns the last convolution's output into mm.
    """

    def __init__(self, velocity_scale_mm: float = 5.0) -> None:
        super().__init__()
        self.velocity_scale_mm = float(velocity_scale_mm)
        self.encoder = _convolutions(2, ENCODER_CHANNELS)
        skips = ENCODER_CHANNELS[-2:0:-1]
        inputs = (ENCODER_CHANNELS[-1], *DECODER_CHANNELS)
        self.decoder = nn.ModuleList(
            _convolution(below + skip, out)
            for below, skip, out in zip(inputs, skips, DECODER_CHANNELS, strict=False)
        )
        self.head = _convolutions(DECODER_CHANNELS[-1], HEAD_CHANNELS)
        self.flow = _convolution(HEAD_CHANNELS[-1], 3)
        nn.init.normal_(self.flow.weight, std=1e-5)
        if self.flow.bias is not None:
            nn.init.zeros_(self.flow.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Velocity (B, 3, Z/2, Y/2, X/2) in mm of images (B, 2, Z, Y, X)."""
        features = [_activation(self.encoder[0](images))]
        for layer in self.encoder[1:]:
            features.append(_activation(layer(functional.max_pool3d(features[-1], 2))))
        x = features.pop()
        for layer in self.decoder:
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = _activation(layer(torch.cat([x, features.pop()], 1)))
        for layer in self.head:
            x = _activation(layer(x))
        return self._velocity(x)

    def _velocity(self, features: Tensor) -> Tensor:
        """The last convolution, in full precision even under autocast: bf16 would round mm values."""
        with torch.autocast(features.device.type, enabled=False):
            return self.velocity_scale_mm * self.flow(features.to(self.flow.weight.dtype))


def _convolution(inputs: int, outputs: int) -> nn.Conv3d:
    """A convolution that keeps the variance of its input (He et al. 2015); PyTorch's default shrinks it."""
    layer = nn.Conv3d(inputs, outputs, kernel_size=3, padding=1)
    nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _convolutions(inputs: int, outputs: Sequence[int]) -> nn.ModuleList:
    return nn.ModuleList(_convolution(a, b) for a, b in zip((inputs, *outputs), outputs, strict=False))


def _activation(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, SLOPE)
