"""Run a network's safetensors weights with torch, which is not imported with this module."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..process.device import NO_CUDA, Notice, log_notice
from .device_network import DeviceNetwork, Images
from .network_file import NetworkCard

if TYPE_CHECKING:
    from torch import Tensor


class _TorchModel(DeviceNetwork):
    """A network's layers, run by torch from its safetensors weights."""

    def __init__(
        self,
        card: NetworkCard,
        content: bytes,
        device: str = "cpu",
        notice: Notice = log_notice,
    ) -> None:
        import torch
        from safetensors.torch import load

        from .kinds import network_options

        if device == "cuda" and not torch.cuda.is_available():
            raise InputError(NO_CUDA)
        super().__init__(card, device, notice)
        self._options = network_options(card.network)
        self._model = self._options.build().eval()
        try:
            self._model.load_state_dict(load(content))
        except RuntimeError as error:
            raise InputError(f"{card.name}.safetensors: weights of another network; restore it.") from error
        self._model.to(device)

    def _run(self, images: Images) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(images[None], np.float32)).to(self.device)
            result: NDArray[np.float32] = self._result(batch)[0].cpu().numpy()
        return result

    def _move_to_cpu(self) -> None:
        self._model.to("cpu")

    @abstractmethod
    def _result(self, batch: Tensor) -> Tensor:
        """What is wanted of images (1, 2, Z, Y, X)."""


class TorchNetwork(_TorchModel):
    """A network with a velocity, run by torch."""

    def velocity(self, images: Images) -> NDArray[np.float32]:
        """See `VelocityNetwork.velocity`."""
        return self._computed(images)

    def _result(self, batch: Tensor) -> Tensor:
        velocity: Tensor = self._model(batch)
        return velocity


class DisplacementNetwork(_TorchModel):
    """A network of any kind, run by torch for its displacement; see `pieces` for whole images."""

    @property
    def margin(self) -> int:
        """Voxels of the images that the displacement lacks on every side."""
        return self._model.margin

    def takes(self, side: int) -> bool:
        """Whether an image side of so many voxels can be used."""
        return self._options.takes(side)

    def displacement(self, images: Images) -> NDArray[np.float32]:
        """Displacement (3, Z - 2m, Y - 2m, X - 2m) in mm of images (2, Z, Y, X), m = `margin`."""
        return self._computed(images)

    def _result(self, batch: Tensor) -> Tensor:
        return self._model.motion(self._model(batch), self.card.spacing_mm).displacement
