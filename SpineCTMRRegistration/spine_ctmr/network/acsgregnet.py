"""ACSGRegNet: affine, then diffeomorphic by fused cross- and self-attention (Gao and Zheng 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..recipe_tables import require
from .affine_network import SLOPE, AffineNetwork
from .gated_fusion import GatedFusion
from .transformer import Positions, TransformerEncoder, features_of, sequence_of
from .two_stage import TwoStageNetwork, TwoStageOptions

Features = list[Tensor]


@dataclass(frozen=True)
class ACSGRegNetOptions(TwoStageOptions):
    """Options of ACSGRegNet.

    From the paper: five steps of the affine network, width 252, 12 layers. It is silent about all other
    numbers. Width and layers are those of ViT-V-Net (Chen et al. 2021), so heads and feed-forward width
    are that network's too; channels double with every halving of the resolution.

    At the paper's crop of 128 x 128 x 64 it has 91,115,362 weights, 5,991,180 of them affine. One pair takes
    6.1 s of CPU time and 1.3 GB; a training step of one pair 22 s and 3.0 GB with its losses and Adam
    (float32, one thread). AVoxelMorph has 6,297,759 weights and takes 1.9 s and 0.7 GB.

    Attributes:
        affine: channels of the affine network's steps.
        encoder: channels of the image encoder from full to 1/16 resolution.
        width: of the vectors that the attention sees, k in the paper.
        layers: of each transformer.
        heads: of each attention.
        hidden: width inside the transformers' feed-forward parts.
        positions: learned places (x, y, z), 1/16 of the training crop.
        velocity_scale_mm: constant factor of the velocity.
    """

    kind: ClassVar[str] = "acsgregnet"
    affine: tuple[int, int, int, int, int] = (16, 32, 64, 128, 256)
    encoder: tuple[int, int, int, int, int] = (16, 32, 64, 128, 256)
    width: int = 252
    layers: int = 12
    heads: int = 12
    hidden: int = 3072
    positions: tuple[int, int, int] = (8, 8, 4)
    velocity_scale_mm: float = 1.0

    def __post_init__(self) -> None:
        for name in ("affine", "encoder", "positions"):
            require(min(getattr(self, name)) > 0, f"network.{name}", "numbers above 0")
        for name in ("layers", "heads", "hidden"):
            require(getattr(self, name) > 0, f"network.{name}", "above 0")
        divided = self.width > 0 and self.width % self.heads == 0
        require(divided, "network.width", "a multiple of network.heads above 0")
        require(0 < self.velocity_scale_mm < float("inf"), "network.velocity_scale_mm", "above 0")

    def build(self) -> TwoStageNetwork:
        """See `NetworkOptions.build`."""
        return TwoStageNetwork(AffineNetwork(self.affine), AttentionVelocity(self))


class AttentionVelocity(nn.Module):
    """The deformable stage: from a fixed and an affinely moved image to a velocity field.

    One encoder sees both images. Its features at 1/16 resolution, projected to `width`, become one vector
    per voxel with a learned place. Each image has a transformer of its own (self-attention); a third one
    sees both sequences in a row (cross-attention). Two decoders with skips from both images give two
    velocity fields, and gates fuse them.

    Where the paper is silent: the resolution of the sequences (1/16: 256 vectors per image of its crop); an
    own set of places for each image, which tells them apart in the joint sequence; layers with the
    normalisation first and GELU as in vision transformers, since normalisation last needs a warm-up that the
    paper does not have; no dropout; two convolutions per resolution; velocity at half resolution, as
    in `VelocityUNet`.

    Input (B, 2, Z, Y, X): fixed, moving. Output (B, 3, Z/2, Y/2, X/2): see `VelocityUNet`.
    """

    def __init__(self, options: ACSGRegNetOptions) -> None:
        super().__init__()
        x, y, z = options.positions
        self.velocity_scale_mm = options.velocity_scale_mm
        self.encoder = ImageEncoder(options.encoder)
        self.projection = nn.Conv3d(options.encoder[-1], options.width, 1)
        self.places = nn.ModuleList(Positions(options.width, (z, y, x)) for _ in range(2))
        size = options.width, options.layers, options.heads, options.hidden
        self.self_attention = nn.ModuleList(TransformerEncoder(*size) for _ in range(2))
        self.cross_attention = TransformerEncoder(*size)
        self.self_decoder = VelocityDecoder(2 * options.width, options.encoder)
        self.cross_decoder = VelocityDecoder(2 * options.width, options.encoder)
        self.fusion = GatedFusion()

    def forward(self, images: Tensor) -> Tensor:
        """Velocity in mm of images, see above."""
        pair = [self.encoder(images[:, k : k + 1]) for k in (0, 1)]
        skips = [torch.cat(levels, 1) for levels in zip(*pair, strict=True)]
        placed = [
            place(self.projection(features[-1])) for place, features in zip(self.places, pair, strict=True)
        ]
        shape = placed[0].shape[2:]
        sequences = [sequence_of(features) for features in placed]
        alone = [layers(s) for layers, s in zip(self.self_attention, sequences, strict=True)]
        joint = self.cross_attention(torch.cat(sequences, 1)).chunk(2, 1)
        own = self.self_decoder(_side_by_side(alone, shape), skips)
        cross = self.cross_decoder(_side_by_side(joint, shape), skips)
        with torch.autocast(images.device.type, enabled=False):
            velocity: Tensor = self.velocity_scale_mm * self.fusion(cross, own)
        return velocity


class ImageEncoder(nn.Module):
    """The encoder half of a 3-D U-Net: two convolutions at every resolution, max-pooling between them."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            _convolutions(a, b) for a, b in zip((1, *channels), channels, strict=False)
        )

    def forward(self, image: Tensor) -> Features:
        """Features of an image (B, 1, Z, Y, X), the finest first."""
        features = [self.levels[0](image)]
        for level in self.levels[1:]:
            features.append(level(functional.max_pool3d(features[-1], 2)))
        return features


class VelocityDecoder(nn.Module):
    """The decoder half: from what an attention gave at 1/16 resolution to a velocity at half resolution.

    Args:
        inputs: channels from the attention, both images side by side.
        channels: of the encoder.
    """

    def __init__(self, inputs: int, channels: Sequence[int]) -> None:
        super().__init__()
        outputs = tuple(reversed(channels[1:]))
        self.levels = nn.ModuleList([_convolutions(inputs, outputs[0])])
        for below, out in pairwise(outputs):
            self.levels.append(_convolutions(below + 2 * out, out))
        self.flow = nn.Conv3d(outputs[-1], 3, 3, padding=1)
        nn.init.normal_(self.flow.weight, std=1e-5)
        nn.init.zeros_(torch.as_tensor(self.flow.bias))

    def forward(self, x: Tensor, skips: Features) -> Tensor:
        """Velocity (B, 3, Z/2, Y/2, X/2) from features (B, C, Z/16, ...) and the encoder's, finest first."""
        x = self.levels[0](x)
        for level, skip in zip(self.levels[1:], reversed(skips[1:-1]), strict=True):
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = level(torch.cat([x, skip], 1))
        with torch.autocast(x.device.type, enabled=False):
            velocity: Tensor = self.flow(x.to(self.flow.weight.dtype))
        return velocity


def _side_by_side(sequences: Sequence[Tensor], shape: torch.Size) -> Tensor:
    """Sequences of both images as features (B, 2 C, Z, Y, X)."""
    return torch.cat([features_of(sequence, shape) for sequence in sequences], 1)


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a in (inputs, outputs):
        layer = nn.Conv3d(a, outputs, 3, padding=1)
        nn.init.kaiming_normal_(layer.weight, a=SLOPE)
        nn.init.zeros_(torch.as_tensor(layer.bias))
        layers += [layer, nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers)
