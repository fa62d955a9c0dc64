"""What every registration network gives, whatever its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn


@dataclass(frozen=True)
class Motion:
    """`mr_to_ct` less the identity as a network sees it; vectors in mm, components (x, y, z) along the axes.

    Attributes:
        displacement: (B, 3, Z, Y, X) on the grid of the images less `margin` voxels on every side.
        velocity: the stationary velocity field it was integrated from, (B, 3, Z', Y', X'); None for a
            network that predicts the displacement itself.
        velocity_spacing_mm: of the velocity's grid.
        affine: (B, 3, Z, Y, X) displacement of the affine stage alone; None for a network without one.
        margin: voxels that unpadded convolutions cut off every side.
    """

    displacement: Tensor
    velocity: Tensor | None = None
    velocity_spacing_mm: float = 0.0
    affine: Tensor | None = None
    margin: int = 0


class RegistrationNetwork(nn.Module, ABC):
    """A network that registers images (B, 2, Z, Y, X): channel 0 the MR, channel 1 the CT, in [0, 1].

    `forward` gives what the layers compute, and `motion` turns that into a displacement. They are apart
    so that a file of plain layers (ONNX) holds the first and data-parallel training wraps it.

    Attributes:
        margin: voxels of the images that the displacement lacks on every side.
    """

    margin: ClassVar[int] = 0

    @abstractmethod
    def motion(self, output: Any, spacing_mm: float) -> Motion:
        """The motion that an output of `forward` means on a grid of that spacing."""


class NetworkOptions(Protocol):
    """The options of one kind of network: a frozen dataclass, checked when it is made.

    Attributes:
        kind: the name in recipes and network files.
        sides: in words, what sides of an image the network takes.
    """

    kind: ClassVar[str]
    sides: ClassVar[str]

    def takes(self, side: int) -> bool:
        """Whether an image side of so many voxels can be used."""
        ...

    def prepare(self, images: Tensor) -> Tensor:
        """What the layers in the network's ONNX file take instead of images (B, 2, Z, Y, X)."""
        ...

    def build(self) -> RegistrationNetwork:
        """A network with new random weights."""
        ...
