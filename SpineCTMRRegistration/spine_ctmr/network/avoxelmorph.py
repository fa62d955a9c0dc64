"""AVoxelMorph: an affine network followed by VoxelMorph, what Gao and Zheng 2022 compare ACSGRegNet with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..recipe_tables import require
from .affine_network import AffineNetwork
from .two_stage import TwoStageNetwork, TwoStageOptions
from .unet import VelocityUNet, VelocityUNetOptions


@dataclass(frozen=True)
class AVoxelMorphOptions(TwoStageOptions):
    """Options of AVoxelMorph.

    The paper does not describe its VoxelMorph; it cites Balakrishnan et al. 2019, which predicts the
    displacement itself, and whose motions fold in 3 % of the voxels there. This is the project's
    `VelocityUNet`, which ends at half resolution, with the channels of Balakrishnan et al.; what it gives is
    taken for a displacement.

    Attributes:
        affine: channels of the affine network's steps.
        encoder: see `VelocityUNetOptions`.
        decoder: see `VelocityUNetOptions`.
        head: see `VelocityUNetOptions`.
        velocity_scale_mm: see `VelocityUNetOptions`.
        integrated: take what it gives for a velocity instead, as in ACSGRegNet.
    """

    kind: ClassVar[str] = "avoxelmorph"
    affine: tuple[int, int, int, int, int] = (16, 32, 64, 128, 256)
    encoder: tuple[int, int, int, int, int] = (16, 32, 32, 32, 32)
    decoder: tuple[int, int, int] = (32, 32, 32)
    head: tuple[int, ...] = (32, 16)
    velocity_scale_mm: float = 1.0
    integrated: bool = False

    def __post_init__(self) -> None:
        require(min(self.affine) > 0, "network.affine", "numbers of channels above 0")
        self._deformable()

    def build(self) -> TwoStageNetwork:
        """See `NetworkOptions.build`."""
        stages = AffineNetwork(self.affine), VelocityUNet(self._deformable())
        return TwoStageNetwork(*stages, integrated=self.integrated)

    def _deformable(self) -> VelocityUNetOptions:
        return VelocityUNetOptions(self.encoder, self.decoder, self.head, self.velocity_scale_mm)
