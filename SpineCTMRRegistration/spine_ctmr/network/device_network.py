"""A loaded network on the device where it runs; where the GPU's memory does not suffice, on the CPU."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..process.device import Notice, Processor
from .network_file import NetworkCard

Images = NDArray[np.float32]


class VelocityNetwork(Protocol):
    """A loaded network.

    Attributes:
        card: its description, with the spacing of the grid it works on.
        device: where it runs, "cuda" or "cpu".
    """

    card: NetworkCard
    device: str

    def velocity(self, images: Images) -> NDArray[np.float32]:
        """Velocity (3, Z/2, Y/2, X/2) in mm, components (x, y, z), of images (2, Z, Y, X).

        See `VelocityUNet` for the convention. Every side is a multiple of 16 voxels.
        """
        ...


class DeviceNetwork(ABC):
    """What both runtimes share."""

    def __init__(self, card: NetworkCard, device: str, notice: Notice) -> None:
        self.card, self.device, self._notice = card, device, notice

    def _computed(self, images: Images) -> NDArray[np.float32]:
        """What the network makes of images (2, Z, Y, X)."""

        def run(device: str) -> NDArray[np.float32]:
            if device != self.device:
                self.device = device
                self._move_to_cpu()
            return self._run(images)

        return Processor(self.device, self._notice).run("the network", run)

    @abstractmethod
    def _run(self, images: Images) -> NDArray[np.float32]:
        """What the network makes of images on its device."""

    @abstractmethod
    def _move_to_cpu(self) -> None:
        """Free the GPU and get ready to run on the CPU."""
