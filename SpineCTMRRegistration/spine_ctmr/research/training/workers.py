"""The processes that train one network together, as `torchrun` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Workers:
    """This process among those that train together.

    Attributes:
        rank: number of this process, from 0.
        count: of all processes.
        device: where this one computes.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def writes(self) -> bool:
        """Whether this process writes the files of the run."""
        return self.rank == 0

    def share(self, model: nn.Module) -> nn.Module:
        """The model with gradients averaged over all processes."""
        return DistributedDataParallel(model) if self.count > 1 else model

    def mean(self, values: Tensor) -> Tensor:
        """Mean over all processes."""
        if self.count > 1:
            dist.all_reduce(values)
        return values / self.count

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return float(self.mean(torch.tensor(float(flag), device=self.device))) > 0


def process_number() -> tuple[int, int]:
    """Number of this process, from 0, among those that `torchrun` has started, and how many those are."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def joined_workers(device: str) -> Iterator[Workers]:
    """Meet the other processes that `torchrun` has started; alone without it.

    Args:
        device: "cpu" or "cuda"; each process of a machine takes its own GPU.
    """
    count = process_number()[1]
    if count == 1:
        yield Workers(0, 1, torch.device(device))
        return
    place = torch.device(device)
    if device == "cuda":
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield Workers(dist.get_rank(), count, place)
    finally:
        dist.destroy_process_group()
