"""The solid of a segmented vertebra."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

Point = tuple[float, float, float]


@dataclass(frozen=True)
class MeasuredBone:
    """Signed distances sampled in the vertebra's own frame.

    Attributes:
        distance: (z, y, x) float32 mm, negative in the bone.
        first: the place of the first sample in mm (x, y, z).
        spacing_mm: between samples.
    """

    distance: torch.Tensor
    first: Point
    spacing_mm: float

    @property
    def last(self) -> Point:
        """The place of the last sample in mm (x, y, z)."""
        nz, ny, nx = self.distance.shape
        x, y, z = (f + (n - 1) * self.spacing_mm for f, n in zip(self.first, (nx, ny, nz), strict=True))
        return x, y, z

    def __call__(self, p: torch.Tensor) -> torch.Tensor:
        """Signed distances (n,) in mm at points (3, n) in mm."""
        spans = zip(p, self.first, self.last, strict=True)
        where = torch.stack([2 * (row - low) / (high - low) - 1 for row, low, high in spans], -1)
        sampled = F.grid_sample(
            self.distance[None, None].to(p.device),
            where[None, None, None],
            padding_mode="border",
            align_corners=True,
        )
        return sampled.reshape(-1)
