"""Registration in two stages: an affine network, then a network for what the affine motion leaves."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, cat, einsum, nn

from .affine_network import AffineNetwork, affine_displacement, linear_part
from .integration import displacement_of, upsample, warp
from .motion import Motion, RegistrationNetwork

SIZE_MULTIPLE = 16
SMALLEST = 48
"""The affine network's batch normalisation needs more than one voxel after five steps of stride 2."""


class TwoStageOptions:
    """What the options of two-stage networks have in common."""

    sides: ClassVar[str] = f"multiples of {SIZE_MULTIPLE} from {SMALLEST}"

    def takes(self, side: int) -> bool:
        """See `NetworkOptions.takes`."""
        return side >= SMALLEST and side % SIZE_MULTIPLE == 0

    def prepare(self, images: Tensor) -> Tensor:
        """See `NetworkOptions.prepare`; the images as they are."""
        return images


class TwoStageNetwork(RegistrationNetwork):
    """An affine motion, and a further one from the fixed and the affinely moved image.

    Both are trained together. The whole motion is x -> A(x + u(x)), with the affine map A and the
    displacement u of the second stage, and is computed without a second resampling of the image.

    Args:
        affine: the first stage.
        deformable: from images (B, 2, Z, Y, X) to a velocity (B, 3, Z/2, Y/2, X/2) in mm, as `VelocityUNet`.
        integrated: whether the second stage gives a velocity, whose motion cannot fold but by sampling, or
            the displacement itself.
    """

    def __init__(self, affine: AffineNetwork, deformable: nn.Module, integrated: bool = True) -> None:
        super().__init__()
        self.affine, self.deformable, self.integrated = affine, deformable, integrated

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Velocity or displacement (B, 3, Z/2, Y/2, X/2) in mm, and affine parameters (B, 12)."""
        parameters = self.affine(images)
        voxels = affine_displacement(parameters, images.shape[2:], 1.0)
        moved = warp(images[:, 1:].to(voxels.dtype), voxels, 1.0)
        return self.deformable(cat([images[:, :1], moved.to(images.dtype)], 1)), parameters

    def motion(self, output: tuple[Tensor, Tensor], spacing_mm: float) -> Motion:
        """See `RegistrationNetwork.motion`; the output is that of `forward`."""
        field, parameters = output
        local = displacement_of(field, spacing_mm) if self.integrated else upsample(field)
        affine = affine_displacement(parameters, local.shape[2:], spacing_mm)
        turned = einsum("bij,bjzyx->bizyx", linear_part(parameters), local)
        whole = affine + local + turned
        if not self.integrated:
            return Motion(whole, affine=affine)
        return Motion(whole, field, 2 * spacing_mm, affine)
