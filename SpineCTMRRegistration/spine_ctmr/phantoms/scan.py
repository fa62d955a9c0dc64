"""A real CT as part of an anatomy: its own grey values, and the tissues that they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..geometry.grid import Grid
from ..geometry.sampling import linear_samples
from ..imaging.hounsfield import OUTSIDE_HU
from .tissue import INDEX


@dataclass(frozen=True, eq=False)
class TissueScan:
    """A CT on its grid in the frame of the anatomy; all arrays are (z, y, x).

    Attributes:
        grid: of the arrays.
        hounsfield: HU as scanned.
        first, second: uint8 index of the tissue of each voxel, and of another that is mixed into it.
        share: of the second tissue, 0 to 1.
    """

    grid: Grid
    hounsfield: NDArray[np.float32]
    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    share: NDArray[np.float32]

    def inside(self, points: torch.Tensor) -> torch.Tensor:
        """Whether the CT shows LPS points (n, 3)."""
        where = self._where(points)
        return (where.abs() <= 1).all(1)

    def hounsfield_at(self, points: torch.Tensor) -> torch.Tensor:
        """HU (n,) at LPS points (n, 3); `OUTSIDE_HU` where it shows nothing."""
        volume = torch.from_numpy(self.hounsfield)[None]
        values = linear_samples(volume, self._where(points))[0]
        return torch.where(self.inside(points), values, OUTSIDE_HU)

    def contrasts_at(self, points: torch.Tensor, contrasts: torch.Tensor) -> torch.Tensor:
        """Values (n, k) at LPS points (n, 3) of a (tissues, k) table; those of air outside."""
        table = contrasts.numpy()
        mixed = table[self.first] * (1 - self.share[..., None]) + table[self.second] * self.share[..., None]
        volume = torch.from_numpy(np.ascontiguousarray(np.moveaxis(mixed, -1, 0), np.float32))
        values = linear_samples(volume, self._where(points)).T
        return torch.where(self.inside(points)[:, None], values, contrasts[INDEX["air"]])

    def _where(self, points: torch.Tensor) -> torch.Tensor:
        """Places (n, 3) of LPS points: -1 at the first voxel of each axis, 1 at the last."""
        matrix = torch.tensor(self.grid.point_to_index, dtype=torch.float32)
        index = points @ matrix[:3, :3].T + matrix[:3, 3]
        size = torch.tensor(self.grid.size, dtype=torch.float32)
        return 2 * index / (size - 1).clamp(min=1) - 1
