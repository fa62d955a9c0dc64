"""The device on which a stage computes; where the GPU's memory does not suffice, the CPU."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .explanation import is_out_of_memory

Notice = Callable[[str], None]
Result = TypeVar("Result")

log_notice: Notice = logging.getLogger(__name__).warning
NO_CUDA = "device 'cuda': no usable CUDA device was found; choose 'auto' or 'cpu'."


def torch_device(choice: str) -> str:
    """ "cuda" where that or "auto" is chosen and torch can use it, else "cpu".

    Torch is imported, unless "cpu" is chosen.
    """
    if choice == "cpu":
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Processor:
    """Where stages compute.

    Attributes:
        device: "cuda" or "cpu".
        notice: told in a sentence when a stage has to leave the device.
    """

    device: str = "cpu"
    notice: Notice = log_notice

    def run(self, stage: str, work: Callable[[str], Result]) -> Result:
        """What `work` makes on the device; where the GPU's memory does not suffice, once more on the CPU.

        Args:
            stage: as a sentence names it, such as "the network".
            work: given the device's name; leaves everything as it was when it fails.
        """
        try:
            return work(self.device)
        except Exception as error:
            if self.device == "cpu" or not is_out_of_memory(error):
                raise
        self.notice(f"The GPU has too little free memory for {stage}, which ran on the CPU instead.")
        return work("cpu")
