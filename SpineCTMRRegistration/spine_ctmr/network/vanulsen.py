"""The network of van Ulsen 2022: a small U-Net with additive skips that gives the displacement itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from ..recipe_tables import require
from .motion import Motion, RegistrationNetwork
from .normalised import normalised_pair

SIZE_MULTIPLE = 8
KERAS_EPSILON, KERAS_MOMENTUM = 1e-3, 0.01
"""Defaults of Keras, with which the thesis was made; what Keras calls a momentum of 0.99 is 0.01 here."""


@dataclass(frozen=True)
class VanUlsenOptions:
    """Options of `VanUlsenNetwork`; the defaults are the thesis's.

    Attributes:
        filters: channels at every resolution, finest first.
        momentum: share of the newest batch in the running statistics of the batch normalisation.
    """

    kind: ClassVar[str] = "vanulsen"
    sides: ClassVar[str] = f"multiples of {SIZE_MULTIPLE}"
    filters: tuple[int, int, int, int] = (4, 8, 16, 32)
    momentum: float = KERAS_MOMENTUM

    def __post_init__(self) -> None:
        require(min(self.filters) > 0, "network.filters", "numbers of channels above 0")
        require(0 < self.momentum <= 1, "network.momentum", "above 0 and at most 1")

    def takes(self, side: int) -> bool:
        """See `NetworkOptions.takes`."""
        return side > 0 and side % SIZE_MULTIPLE == 0

    def prepare(self, images: Tensor) -> Tensor:
        """See `NetworkOptions.prepare`; the images as they are."""
        return images

    def build(self) -> VanUlsenNetwork:
        """See `NetworkOptions.build`."""
        return VanUlsenNetwork(self)


class VanUlsenNetwork(RegistrationNetwork):
    """U-Net of van Ulsen 2022, section 3.5 and figure 3.6.

    Every block has two 3x3x3 convolutions, each with batch normalisation and ReLU. Blocks are joined by
    max-pooling on the way down, by 2x2x2 transposed convolutions on the way up, where the features of the
    same resolution are added. One 3x3x3 convolution without activation gives the displacement.

    Taken literally, the text describes 79,483 parameters, half of the about 160,000 that the thesis names in
    its discussion. The U-Net of DeepReg, which it modified, has 138,655 as it is; with strided convolutions
    instead of pooling and skips that concatenate, 156,911. None of them fits all words of the thesis; this is
    the literal one.

    Where the thesis is silent: biases in every convolution and the batch normalisation of Keras, both
    Keras's defaults; the last convolution starts near 0, so that training starts at the rigid alignment.

    Input (B, 2, Z, Y, X): channel 0 the MR (fixed), channel 1 the CT (moving), in [0, 1].
    Output (B, 3, Z, Y, X): displacement in mm, components (x, y, z) along the grid's axes.
    """

    def __init__(self, options: VanUlsenOptions | None = None) -> None:
        super().__init__()
        options = options or VanUlsenOptions()
        filters = options.filters
        self.encoder = _blocks((2, *filters[:-1]), filters, options.momentum)
        coarse, fine = filters[:0:-1], filters[-2::-1]
        self.doubling = nn.ModuleList(
            nn.ConvTranspose3d(a, b, kernel_size=2, stride=2) for a, b in zip(coarse, fine, strict=True)
        )
        self.decoder = _blocks(fine, fine, options.momentum)
        self.flow = nn.Conv3d(filters[0], 3, kernel_size=3, padding=1)
        nn.init.normal_(self.flow.weight, std=1e-5)
        nn.init.zeros_(self.flow.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Displacement (B, 3, Z, Y, X) in mm of images (B, 2, Z, Y, X)."""
        features = [self.encoder[0](images)]
        for block in list(self.encoder)[1:]:
            features.append(block(functional.max_pool3d(features[-1], 2)))
        x = features.pop()
        for doubling, block in zip(self.doubling, self.decoder, strict=True):
            x = block(doubling(x) + features.pop())
        result: Tensor = self.flow(x)
        return result

    def motion(self, output: Tensor, spacing_mm: float) -> Motion:
        """See `RegistrationNetwork.motion`; the output is the displacement."""
        return Motion(output)


def _blocks(inputs: Sequence[int], outputs: Sequence[int], momentum: float) -> nn.ModuleList:
    return nn.ModuleList(
        normalised_pair(a, b, 1, KERAS_EPSILON, momentum) for a, b in zip(inputs, outputs, strict=True)
    )
