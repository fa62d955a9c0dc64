"""What the trainer learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """B pairs on one grid, arrays (B, C, Z, Y, X).

    Attributes:
        fixed: MR in [0, 1], (B, 1, Z, Y, X).
        moving: CT in [0, 1] after the global alignment, same shape.
        displacement: true `mr_to_ct` less the identity, (B, 3, Z, Y, X) in mm along the axes (x, y, z).
        bone: soft mask of the vertebrae in the MR frame, (B, 1, Z, Y, X) in [0, 1].
        weight: how far the true displacement is known there, (B, 1, Z, Y, X), 0 where it is not.
        labels: integer vertebra labels in the frame of the moving CT, (B, 1, Z, Y, X).
    """

    fixed: Tensor
    moving: Tensor
    displacement: Tensor
    bone: Tensor
    weight: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))

    @property
    def images(self) -> Tensor:
        """The network's input (B, 2, Z, Y, X): MR, CT."""
        return torch.cat([self.fixed, self.moving], 1)


class TrainingData(Protocol):
    """Where batches come from."""

    def sample(self, step: int) -> Batch:
        """The batch of a training step: a pure function of the data's seed and `step`."""
        ...

    def validation(self) -> Sequence[Batch]:
        """The same held-out batches at every call."""
        ...
