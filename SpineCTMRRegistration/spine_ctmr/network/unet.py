"""The registration network: a U-Net from an (MR, CT) pair to a stationary velocity field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..recipe_tables import require
from .integration import displacement_of
from .motion import Motion, RegistrationNetwork

SLOPE = 0.2
SIZE_MULTIPLE = 16


@dataclass(frozen=True)
class VelocityUNetOptions:
    """Options of `VelocityUNet`; the defaults are the configuration that its authors published.

    Attributes:
        encoder: channels of the convolutions between max-poolings, 5 of them.
        decoder: channels of the convolutions after each doubling of the resolution, 3 of them.
        head: channels of the convolutions at half resolution.
        velocity_scale_mm: constant factor of the network's output.
    """

    kind: ClassVar[str] = "velocity_unet"
    sides: ClassVar[str] = f"multiples of {SIZE_MULTIPLE}"
    encoder: tuple[int, int, int, int, int] = (32, 32, 64, 64, 64)
    decoder: tuple[int, int, int] = (64, 64, 64)
    head: tuple[int, ...] = (32, 32)
    velocity_scale_mm: float = 5.0

    def __post_init__(self) -> None:
        for name in ("encoder", "decoder", "head"):
            channels = getattr(self, name)
            require(bool(channels) and min(channels) > 0, f"network.{name}", "numbers of channels above 0")
        require(0 < self.velocity_scale_mm < float("inf"), "network.velocity_scale_mm", "above 0")

    def takes(self, side: int) -> bool:
        """See `NetworkOptions.takes`."""
        return side > 0 and side % SIZE_MULTIPLE == 0

    def prepare(self, images: Tensor) -> Tensor:
        """See `NetworkOptions.prepare`; the images as they are."""
        return images

    def build(self) -> VelocityUNet:
        """See `NetworkOptions.build`."""
        return VelocityUNet(self)


class VelocityUNet(RegistrationNetwork):
    """Half-resolution diffeomorphic VoxelMorph of Jian et al. 2022 (1,000,163 parameters).

    Encoder: 3x3x3 convolutions with max-pooling between them. Decoder: nearest-neighbour x2,
    concatenation with the encoder's features, convolution; it ends at half resolution.

    Input (B, 2, Z, Y, X): channel 0 the MR (fixed), channel 1 the CT (moving), both in [0, 1] on one
    grid; every side a multiple of 16.

    Output (B, 3, Z/2, Y/2, X/2): velocity in mm per unit time, components (x, y, z) along the grid's
    axes. Sample k along an axis belongs to the centre of input voxels 2k and 2k+1, that is to input
    index 2k + 0.5; its spacing is twice the input's. The flow integrated over unit time is `mr_to_ct`
    less the identity. `integration.py` follows this convention.

    Attributes:
        velocity_scale_mm: constant that turns the last convolution's output into mm.
    """

    def __init__(self, options: VelocityUNetOptions | None = None) -> None:
        super().__init__()
        options = options or VelocityUNetOptions()
        self.velocity_scale_mm = options.velocity_scale_mm
        self.encoder = convolutions(2, options.encoder)
        skips = options.encoder[-2:0:-1]
        inputs = (options.encoder[-1], *options.decoder)
        self.decoder = nn.ModuleList(
            convolution(below + skip, out)
            for below, skip, out in zip(inputs, skips, options.decoder, strict=False)
        )
        self.head = convolutions(options.decoder[-1], options.head)
        self.flow = convolution(options.head[-1], 3)
        nn.init.normal_(self.flow.weight, std=1e-5)
        if self.flow.bias is not None:
            nn.init.zeros_(self.flow.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Velocity (B, 3, Z/2, Y/2, X/2) in mm of images (B, 2, Z, Y, X)."""
        x = down_and_up(images, self.encoder, self.decoder)
        for layer in self.head:
            x = activation(layer(x))
        return self._velocity(x)

    def motion(self, output: Tensor, spacing_mm: float) -> Motion:
        """See `RegistrationNetwork.motion`; the output is the velocity."""
        return Motion(displacement_of(output, spacing_mm), output, 2 * spacing_mm)

    def _velocity(self, features: Tensor) -> Tensor:
        """The last convolution, in full precision even under autocast: bf16 would round mm values."""
        with torch.autocast(features.device.type, enabled=False):
            return self.velocity_scale_mm * self.flow(features.to(self.flow.weight.dtype))


def convolution(inputs: int, outputs: int) -> nn.Conv3d:
    """A convolution that keeps the variance of its input (He et al. 2015); PyTorch's default shrinks it."""
    layer = nn.Conv3d(inputs, outputs, kernel_size=3, padding=1)
    nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def convolutions(inputs: int, outputs: Sequence[int]) -> nn.ModuleList:
    """Convolutions in a row, from `inputs` channels through the numbers in `outputs`."""
    return nn.ModuleList(convolution(a, b) for a, b in zip((inputs, *outputs), outputs, strict=False))


def down_and_up(x: Tensor, encoder: nn.ModuleList, decoder: nn.ModuleList) -> Tensor:
    """Convolutions with max-poolings between them, then doublings with the encoder's features."""
    features = [activation(encoder[0](x))]
    for layer in list(encoder)[1:]:
        features.append(activation(layer(functional.max_pool3d(features[-1], 2))))
    x = features.pop()
    for layer in decoder:
        x = functional.interpolate(x, scale_factor=2, mode="nearest")
        x = activation(layer(torch.cat([x, features.pop()], 1)))
    return x


def activation(x: Tensor) -> Tensor:
    """Leaky ReLU."""
    return functional.leaky_relu(x, SLOPE)
