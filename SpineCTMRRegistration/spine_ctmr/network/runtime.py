"""Run a network file with onnxruntime or torch, on CUDA or the CPU.

Neither runtime is imported with this module.
"""

from __future__ import annotations

import importlib.util
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..choices import DEVICES
from ..errors import InputError
from ..process.untrusted import untrusted
from .bundle import bundled_network_directory
from .network_file import NetworkCard, find_card, read_card, read_weights

if TYPE_CHECKING:
    from torch import Tensor

Images = NDArray[np.float32]
Notice = Callable[[str], None]
_log_notice: Notice = logging.getLogger(__name__).warning
_NO_CUDA = "device 'cuda': no usable CUDA device was found; choose 'auto' or 'cpu'."
_OUT_OF_MEMORY = "The GPU has too little free memory for the network; it runs on the CPU instead."


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


class OnnxRuntimeNetwork:
    """A network run by onnxruntime."""

    def __init__(
        self,
        card: NetworkCard,
        content: bytes,
        device: str = "cpu",
        threads: int = 0,
        notice: Notice = _log_notice,
    ) -> None:
        self.card, self.device = card, device
        self._content, self._threads, self._notice = content, threads, notice
        self._session = self._start()
        self._input = self._session.get_inputs()[0].name

    def velocity(self, images: Images) -> NDArray[np.float32]:
        """See `VelocityNetwork.velocity`."""
        batch = np.ascontiguousarray(images[None], np.float32)
        inputs = {self._input: batch if self._input == "images" else self._prepared(batch)}
        try:
            result = self._session.run(None, inputs)[0][0]
        except Exception as error:
            if self.device != "cuda" or not _out_of_memory(error):
                raise
            self._notice(_OUT_OF_MEMORY)
            self.device = "cpu"
            self._session = self._start()
            result = self._session.run(None, inputs)[0][0]
        return np.asarray(result, np.float32)

    def _prepared(self, batch: Images) -> Images:
        """The features that the file takes in place of images (1, 2, Z, Y, X)."""
        import torch

        from .kinds import network_options

        if self._threads:
            torch.set_num_threads(self._threads)
        with torch.inference_mode():
            prepared: Images = network_options(self.card.network).prepare(torch.from_numpy(batch)).numpy()
        return prepared

    def _start(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        wanted = ["CUDAExecutionProvider"] if self.device == "cuda" else []
        session = onnxruntime.InferenceSession(
            self._content, options, providers=[*wanted, "CPUExecutionProvider"]
        )
        if wanted and wanted[0] not in session.get_providers():
            raise InputError(_NO_CUDA)
        return session


class _TorchModel(ABC):
    """A network's layers, run by torch from its safetensors weights."""

    def __init__(
        self,
        card: NetworkCard,
        content: bytes,
        device: str = "cpu",
        threads: int = 0,
        notice: Notice = _log_notice,
    ) -> None:
        import torch
        from safetensors.torch import load

        from .kinds import network_options

        if device == "cuda" and not torch.cuda.is_available():
            raise InputError(_NO_CUDA)
        if threads:
            torch.set_num_threads(threads)
        self.card, self.device, self._notice = card, device, notice
        self._options = network_options(card.network)
        self._model = self._options.build().eval()
        try:
            self._model.load_state_dict(load(content))
        except RuntimeError as error:
            raise InputError(f"{card.name}.safetensors: weights of another network; restore it.") from error
        self._model.to(device)

    def _computed(self, images: Images) -> NDArray[np.float32]:
        """What the network makes of images, on the CPU where the GPU's memory does not suffice."""
        try:
            return self._run(images)
        except Exception as error:
            if self.device != "cuda" or not _out_of_memory(error):
                raise
        self._notice(_OUT_OF_MEMORY)
        self.device = "cpu"
        self._model.to("cpu")
        return self._run(images)

    def _run(self, images: Images) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(images[None], np.float32)).to(self.device)
            result: NDArray[np.float32] = self._result(batch)[0].cpu().numpy()
        return result

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


LoadedNetwork = VelocityNetwork | DisplacementNetwork


def load_network(
    path: Path | None = None, device: str = "auto", threads: int = 0, notice: Notice = _log_notice
) -> LoadedNetwork:
    """Load a network, the bundled one by default, preferably with onnxruntime.

    A network without an ONNX file is run by torch for its displacement.

    Args:
        path: the network's .json, one of its weight files or a folder with one network.
        device: "auto" (CUDA where it is usable), "cuda" or "cpu".
        threads: CPU threads, 0 for all cores.
        notice: told in a sentence when the device had to be changed.
    """
    if device not in DEVICES:
        raise InputError(f"device '{device}': unknown; choose one of {', '.join(DEVICES)}.")
    card_path = find_card(bundled_network_directory() if path is None else Path(path))
    with untrusted(card_path):
        return _loaded(card_path, device, threads, notice)


def _loaded(card_path: Path, device: str, threads: int, notice: Notice) -> LoadedNetwork:
    """The network that a card describes."""
    card = read_card(card_path)

    def onnx(where: str) -> VelocityNetwork:
        return OnnxRuntimeNetwork(card, read_weights(card, card_path.parent, "onnx"), where, threads, notice)

    def torch(where: str) -> VelocityNetwork:
        weights = read_weights(card, card_path.parent, "safetensors")
        return TorchNetwork(card, weights, where, threads, notice)

    if "onnx" not in card.weight_kinds:
        where = _torch_device() if device == "auto" else device
        weights = read_weights(card, card_path.parent, "safetensors")
        return DisplacementNetwork(card, weights, where, threads, notice)
    has_onnx = importlib.util.find_spec("onnxruntime") is not None
    if device != "cpu" and has_onnx and _onnx_offers_cuda():
        try:
            return onnx("cuda")
        except InputError:
            if device == "auto":
                return onnx("cpu")
    if device == "cuda":
        return torch("cuda")
    return onnx("cpu") if has_onnx else torch("cpu")


def _onnx_offers_cuda() -> bool:
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def _torch_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return "out of memory" in text or "failed to allocate memory" in text
