"""What the trainer learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """B pairs on one grid, arrays (B, C, Z, Y, X); what a source of data does not know is None.

    Attributes:
        fixed: MR in [0, 1], (B, 1, Z, Y, X).
        moving: CT in [0, 1] after the global alignment, same shape.
        labels: integer vertebra labels in the frame of the moving CT, (B, 1, Z, Y, X).
        weight: how far a voxel of the MR counts, (B, 1, Z, Y, X): 0 outside its field of view.
        displacement: true `mr_to_ct` less the identity, (B, 3, Z, Y, X) in mm along the axes (x, y, z).
        fixed_labels: integer vertebra labels in the frame of the MR, (B, 1, Z, Y, X).
        ct_in_mr: CT in [0, 1] of a pre-aligned pair, in the frame of the MR, (B, 1, Z, Y, X).
        mr_in_ct: MR in [0, 1] of a pre-aligned pair, in the frame of the moving CT, (B, 1, Z, Y, X).
    """

    fixed: Tensor
    moving: Tensor
    labels: Tensor
    weight: Tensor
    displacement: Tensor | None = None
    fixed_labels: Tensor | None = None
    ct_in_mr: Tensor | None = None
    mr_in_ct: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return self.map(lambda values: values.to(device, non_blocking=True))

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """A batch of changed arrays."""
        known = ((f.name, getattr(self, f.name)) for f in fields(self))
        return Batch(**{name: change(values) for name, values in known if values is not None})

    @property
    def images(self) -> Tensor:
        """The network's input (B, 2, Z, Y, X): MR, CT."""
        return torch.cat([self.fixed, self.moving], 1)


def concatenated(batches: Sequence[Batch]) -> Batch:
    """One batch of the samples of several that know the same things."""
    arrays = {f.name: [getattr(b, f.name) for b in batches] for f in fields(Batch)}
    return Batch(**{name: torch.cat(a) for name, a in arrays.items() if a[0] is not None})


def fingerprint(*parts: object) -> str:
    """Short hash of plain values."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


class TrainingData(Protocol):
    """Where batches come from.

    Attributes:
        description: in words, for the network's file: which patients, and how many.
        patients: `fingerprint` of those that are learned from and those that are held out, in their order.
    """

    @property
    def description(self) -> str: ...

    @property
    def patients(self) -> str: ...

    def sample(self, step: int) -> Batch:
        """The batch of a training step: a pure function of the data's seed and `step`."""
        ...

    def validation(self) -> Sequence[Batch]:
        """The same held-out batches at every call."""
        ...
