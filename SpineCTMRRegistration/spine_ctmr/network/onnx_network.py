"""Run a network's ONNX file with onnxruntime, which is not imported with this module."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..process.device import NO_CUDA, Notice, log_notice
from .device_network import DeviceNetwork, Images
from .network_file import NetworkCard


class OnnxRuntimeNetwork(DeviceNetwork):
    """A network run by onnxruntime."""

    def __init__(
        self,
        card: NetworkCard,
        content: bytes,
        device: str = "cpu",
        threads: int = 0,
        notice: Notice = log_notice,
    ) -> None:
        super().__init__(card, device, notice)
        self._content, self._threads = content, threads
        self._session = self._start()
        self._input = self._session.get_inputs()[0].name

    def velocity(self, images: Images) -> NDArray[np.float32]:
        """See `VelocityNetwork.velocity`."""
        return self._computed(images)

    def _run(self, images: Images) -> NDArray[np.float32]:
        batch = np.ascontiguousarray(images[None], np.float32)
        inputs = {self._input: batch if self._input == "images" else self._prepared(batch)}
        return np.asarray(self._session.run(None, inputs)[0][0], np.float32)

    def _move_to_cpu(self) -> None:
        self._session = self._start()

    def _prepared(self, batch: Images) -> Images:
        """The features that the file takes in place of images (1, 2, Z, Y, X)."""
        import torch

        from .kinds import network_options

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
            raise InputError(NO_CUDA)
        return session
