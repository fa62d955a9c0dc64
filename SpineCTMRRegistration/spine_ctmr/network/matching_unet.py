"""Our registration network: what MIND-SSC matching suggests at three scales, made one smooth motion.

A U-Net that sees only the two images must first learn, from very many pairs, what makes a CT and an MR
voxel correspond. Here that is given: descriptors that hardly depend on the modality are compared over all
displacements within three voxels (12 mm), as in discrete registration (Heinrich 2019, PDD-Net; Siebert et
al. 2021, ConvexAdam), and the network learns whom to trust where.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..recipe_tables import require
from ..similarity.mind import box_mean, mind_ssc
from .integration import displacement_of
from .motion import Motion, RegistrationNetwork
from .unet import convolution, convolutions, down_and_up

SIZE_MULTIPLE = 16
RADIUS = 3
OFFSETS = tuple(
    (z, y, x)
    for z, y, x in product(range(-RADIUS, RADIUS + 1), repeat=3)
    if z * z + y * y + x * x <= RADIUS * RADIUS
)
"""The 123 displacements tried, in voxels (z, y, x) at half resolution."""
WINDOWS = (3, 5, 5)
"""Sides of the boxes, in voxels at half resolution, over which costs are averaged, one after the other."""
SHARPNESS = 300.0
"""Inverse temperature of the softmax over costs, which are mean squared differences of descriptors."""
CHANNELS = 4 * len(WINDOWS) + 2


@dataclass(frozen=True)
class MatchingUNetOptions:
    """Options of `MatchingUNet`.

    Attributes:
        encoder: channels of the convolutions between max-poolings, 4 of them.
        decoder: channels of the convolutions after each doubling of the resolution, 3 of them.
        velocity_scale_mm: constant factor of the velocity; the spacing at half resolution, so that before
            training the velocity is what the matching suggests.
    """

    kind: ClassVar[str] = "matching_unet"
    sides: ClassVar[str] = f"multiples of {SIZE_MULTIPLE}"
    encoder: tuple[int, int, int, int] = (32, 32, 64, 64)
    decoder: tuple[int, int, int] = (64, 32, 32)
    velocity_scale_mm: float = 4.0

    def __post_init__(self) -> None:
        for name in ("encoder", "decoder"):
            channels = getattr(self, name)
            require(bool(channels) and min(channels) > 0, f"network.{name}", "numbers of channels above 0")
        require(0 < self.velocity_scale_mm < float("inf"), "network.velocity_scale_mm", "above 0")

    def takes(self, side: int) -> bool:
        """See `NetworkOptions.takes`."""
        return side > 0 and side % SIZE_MULTIPLE == 0

    def prepare(self, images: Tensor) -> Tensor:
        """See `NetworkOptions.prepare`; gives (B, 14, Z/2, Y/2, X/2).

        Channels: the displacement in voxels (x, y, z) that each surrounding prefers; how clearly it is
        preferred; MR and CT.
        """
        fixed, moving = (functional.avg_pool3d(mind_ssc(i, 1, 1), 2) for i in images.float().split(1, 1))
        matches, clarity = matches_of(costs_of(fixed, moving))
        return torch.cat([*matches, *clarity, functional.avg_pool3d(images.float(), 2)], 1)

    def build(self) -> MatchingUNet:
        """See `NetworkOptions.build`."""
        return MatchingUNet(self)


class MatchingUNet(RegistrationNetwork):
    """Matching on MIND-SSC, then a U-Net that regularises the matches.

    Input and output are those of `VelocityUNet`: images (B, 2, Z, Y, X) with sides a multiple of 16, and
    the velocity (B, 3, Z/2, Y/2, X/2) in mm on the grid of half resolution.

    Before training the velocity is the mean of the matches over the two larger surroundings.
    """

    def __init__(self, options: MatchingUNetOptions | None = None) -> None:
        super().__init__()
        self.options = options = options or MatchingUNetOptions()
        self.velocity_scale_mm = options.velocity_scale_mm
        self.encoder = convolutions(CHANNELS, options.encoder)
        skips = options.encoder[-2::-1]
        inputs = (options.encoder[-1], *options.decoder)
        self.decoder = nn.ModuleList(
            convolution(below + skip, out)
            for below, skip, out in zip(inputs, skips, options.decoder, strict=False)
        )
        self.flow = convolution(options.decoder[-1], 3)
        nn.init.normal_(self.flow.weight, std=1e-5)
        self.blend = nn.Conv3d(3 * len(WINDOWS), 3, kernel_size=1, bias=False)
        share = torch.tensor([0.0, 0.5, 0.5])
        with torch.no_grad():
            self.blend.weight.copy_(torch.kron(share, torch.eye(3))[:, :, None, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """Velocity (B, 3, Z/2, Y/2, X/2) in mm of images (B, 2, Z, Y, X)."""
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            features = self.options.prepare(images)
        return self.layers(features)

    def layers(self, features: Tensor) -> Tensor:
        """The layers that are learned: velocity in mm from what `MatchingUNetOptions.prepare` gives."""
        x = down_and_up(features, self.encoder, self.decoder)
        with torch.autocast(x.device.type, enabled=False):
            matches = self.blend(features[:, : 3 * len(WINDOWS)].float())
            return self.velocity_scale_mm * (self.flow(x.float()) + matches)

    def motion(self, output: Tensor, spacing_mm: float) -> Motion:
        """See `RegistrationNetwork.motion`; the output is the velocity."""
        return Motion(displacement_of(output, spacing_mm), output, 2 * spacing_mm)


def costs_of(fixed: Tensor, moving: Tensor) -> Tensor:
    """Mean squared difference (B, 123, Z, Y, X) of descriptors (B, C, Z, Y, X) for each of `OFFSETS`."""
    shape = fixed.shape[2:]
    padded = functional.pad(moving, [RADIUS] * 6, mode="replicate")
    costs = fixed.new_empty((len(fixed), len(OFFSETS), *shape))
    for k, offset in enumerate(OFFSETS):
        z, y, x = (slice(RADIUS + o, RADIUS + o + n) for o, n in zip(offset, shape, strict=True))
        torch.mean((fixed - padded[:, :, z, y, x]).square_(), 1, out=costs[:, k])
    return costs


def matches_of(costs: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Preferred displacements (B, 3, Z, Y, X) and their clarity (B, 1, Z, Y, X) after each of `WINDOWS`.

    The displacement is the mean of `OFFSETS` under a softmax of the averaged costs, in voxels of the
    costs' grid with components (x, y, z); its clarity is the largest probability.
    """
    offsets = torch.tensor(OFFSETS, dtype=costs.dtype, device=costs.device).flip(1)
    matches, clarity = [], []
    for window in WINDOWS:
        costs = box_mean(costs, window)
        share = torch.softmax(-SHARPNESS * costs, 1)
        matches.append(torch.einsum("bkzyx,kc->bczyx", share, offsets))
        clarity.append(share.amax(1, keepdim=True))
    return matches, clarity
