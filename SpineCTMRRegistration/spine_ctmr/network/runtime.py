"""Load a network file for onnxruntime or torch, on CUDA or the CPU.

Neither runtime is imported with this module.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..choices import DEVICES
from ..errors import InputError, SpineError
from ..process.device import Notice, log_notice, torch_device
from ..process.explanation import is_out_of_memory
from ..process.untrusted import untrusted
from .bundle import bundled_network_directory
from .device_network import VelocityNetwork
from .find_network import find_network
from .network_file import NetworkCard, read_card, read_weights
from .onnx_network import OnnxRuntimeNetwork
from .torch_network import DisplacementNetwork, TorchNetwork
from .training_checkpoint import read_training

LoadedNetwork = VelocityNetwork | DisplacementNetwork
CHECKPOINT = ".pt"
"""Ending of what a training keeps."""


def load_network(
    path: Path | None = None, device: str = "auto", threads: int = 0, notice: Notice = log_notice
) -> LoadedNetwork:
    """Load a network, the bundled one by default, preferably with onnxruntime.

    A network without an ONNX file is run by torch for its displacement.

    Args:
        path: file, folder or name of a network (`find_network`).
        device: "auto" (CUDA where it is usable), "cuda" or "cpu".
        threads: of onnxruntime on the CPU, 0 for all cores; those of torch are the caller's.
        notice: told in a sentence when the device had to be changed.
    """
    if device not in DEVICES:
        raise InputError(f"device '{device}': unknown; choose one of {', '.join(DEVICES)}.")
    found = find_network(bundled_network_directory() if path is None else Path(path))
    with untrusted(found):
        if found.suffix == CHECKPOINT:
            return DisplacementNetwork(*read_training(found), _torch_device(device), notice)
        return _loaded(found, device, threads, notice)


def network_card(path: Path | None = None) -> NetworkCard:
    """The description of a network, the bundled one by default; see `load_network`."""
    found = find_network(bundled_network_directory() if path is None else Path(path))
    with untrusted(found):
        return read_training(found)[0] if found.suffix == CHECKPOINT else read_card(found)


def _loaded(card_path: Path, device: str, threads: int, notice: Notice) -> LoadedNetwork:
    """The network that a card describes."""
    card = read_card(card_path)

    def onnx(where: str) -> VelocityNetwork:
        with _weights(card, card_path.parent, "onnx") as weights:
            return OnnxRuntimeNetwork(card, weights, where, threads, notice)

    def torch(where: str) -> VelocityNetwork:
        with _weights(card, card_path.parent, "safetensors") as weights:
            return TorchNetwork(card, weights, where, notice)

    if "onnx" not in card.weight_kinds:
        with _weights(card, card_path.parent, "safetensors") as weights:
            return DisplacementNetwork(card, weights, _torch_device(device), notice)
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


def _torch_device(device: str) -> str:
    return torch_device(device) if device == "auto" else device


@contextmanager
def _weights(card: NetworkCard, folder: Path, kind: str) -> Iterator[bytes]:
    """Content of a weight file; what goes wrong inside is said of that file."""
    path = folder / f"{card.name}.{kind}"
    with untrusted(path):
        content = read_weights(card, folder, kind)
        try:
            yield content
        except (SpineError, ImportError):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise InputError(
                f"{path}: its content is no network that can be run, or is damaged; restore the file."
            ) from error


def _onnx_offers_cuda() -> bool:
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()
