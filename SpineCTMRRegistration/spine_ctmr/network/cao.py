"""The network of Cao et al. 2018: a U-Net of unpadded convolutions that registers one patch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..recipe_tables import require
from .motion import Motion, RegistrationNetwork
from .normalised import normalised_pair

MARGIN = 20
"""Voxels that the unpadded convolutions cut off every side: patches of 68 give 28."""
SMALLEST_SIDE, SIZE_MULTIPLE = 44, 4


@dataclass(frozen=True)
class CaoOptions:
    """Options of `CaoNetwork`.

    Attributes:
        filters: channels at full, half and quarter resolution. The paper's text does not give them; these
            are those of the 3D U-Net (Cicek et al. 2016) with two poolings, doubled after each.
    """

    kind: ClassVar[str] = "cao"
    sides: ClassVar[str] = f"multiples of {SIZE_MULTIPLE} that are {SMALLEST_SIDE} or more"
    filters: tuple[int, int, int] = (32, 64, 128)

    def __post_init__(self) -> None:
        require(min(self.filters) > 0, "network.filters", "numbers of channels above 0")

    def takes(self, side: int) -> bool:
        """See `NetworkOptions.takes`."""
        return side >= SMALLEST_SIDE and side % SIZE_MULTIPLE == 0

    def prepare(self, images: Tensor) -> Tensor:
        """See `NetworkOptions.prepare`; the images as they are."""
        return images

    def build(self) -> CaoNetwork:
        """See `NetworkOptions.build`."""
        return CaoNetwork(self)


class CaoNetwork(RegistrationNetwork):
    """Patch network of Cao et al. 2018, section 2.2 and figure 3.

    Two poolings, two doublings, unpadded 3x3x3 convolutions with batch normalisation and ReLU, skips, and
    a 1x1x1 convolution that gives the displacement: 1,357,571 parameters. Two convolutions at every
    resolution are what turns 68 voxels into 28. Where the paper is silent it is the U-Net that it builds on
    (Ronneberger et al. 2015): max-pooling, 2x2x2 transposed convolutions, and skips that concatenate the
    middle of the features. The initial weights are PyTorch's, but the last convolution starts near 0, so
    that training starts at the affine alignment.

    Its layers do not know where a patch lies: whole images may be run patch by patch, as long as patches
    begin at multiples of 4 voxels, and the pieces fit together without seams (`whole_displacement`).

    Input (B, 2, Z, Y, X): channel 0 the MR (fixed), channel 1 the CT (moving), in [0, 1].
    Output (B, 3, Z - 40, Y - 40, X - 40): displacement in mm of the middle, components (x, y, z) along
    the grid's axes.
    """

    margin = MARGIN

    def __init__(self, options: CaoOptions | None = None) -> None:
        super().__init__()
        fine, middle, coarse = (options or CaoOptions()).filters
        pairs = ((2, fine), (fine, middle), (middle, coarse))
        self.encoder = nn.ModuleList(normalised_pair(a, b, padding=0) for a, b in pairs)
        ups = ((coarse, middle), (middle, fine))
        self.doubling = nn.ModuleList(nn.ConvTranspose3d(a, b, kernel_size=2, stride=2) for a, b in ups)
        self.decoder = nn.ModuleList(normalised_pair(2 * b, b, padding=0) for _, b in ups)
        self.flow = nn.Conv3d(fine, 3, kernel_size=1)
        nn.init.normal_(self.flow.weight, std=1e-5)
        nn.init.zeros_(self.flow.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Displacement in mm of the middle of images (B, 2, Z, Y, X)."""
        features = [self.encoder[0](images)]
        for block in list(self.encoder)[1:]:
            features.append(block(functional.max_pool3d(features[-1], 2)))
        x = features.pop()
        for doubling, block in zip(self.doubling, self.decoder, strict=True):
            x = doubling(x)
            skip = features.pop()
            cut = (skip.shape[2] - x.shape[2]) // 2
            x = block(torch.cat([functional.pad(skip, [-cut] * 6), x], 1))
        result: Tensor = self.flow(x)
        return result

    def motion(self, output: Tensor, spacing_mm: float) -> Motion:
        """See `RegistrationNetwork.motion`; the output is the displacement."""
        return Motion(output, margin=self.margin)
