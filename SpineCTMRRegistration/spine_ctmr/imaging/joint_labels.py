"""Masks of single vertebrae joined to one label map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from .case import VertebraLabels
from .label_schemes import AUTO
from .label_shapes import label_shapes
from .label_voxels import label_voxels
from .plausibility import impossible
from .vertebra_names import cranial_to_caudal, vertebra_name


class JointLabels:
    """A label map in the making; where masks overlap, the one that was added first stays."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._labels = np.zeros(grid.shape, np.uint8)
        self._named: set[int] = set()
        self._shared = 0

    def add(self, number: int, mask: NDArray[Any]) -> None:
        """Write the VerSe `number` where `mask` (z, y, x) is not 0."""
        self._named.add(number)
        for plane, marks in zip(self._labels, mask, strict=True):
            where = marks != 0
            if where.any():
                before = plane[where]
                self._shared += int(np.count_nonzero((before != 0) & (before != number)))
                plane[where] = np.where(before == 0, number, before)

    def finished(self, path: Path, warnings: tuple[str, ...] = ()) -> VertebraLabels:
        """The label map; `path` and `warnings` are what is known about its source.

        Raises:
            InputError: all masks are empty, or cannot be the vertebrae that they are named.
        """
        image = self.grid.image(self._labels)
        voxels = label_voxels(image)
        empty = [n for n in cranial_to_caudal(self._named) if n not in voxels]
        if not voxels:
            raise InputError(
                f"{path} has vertebra segments, but all are empty; give the finished segmentation."
            )
        if empty:
            warnings += (f"{path}: {', '.join(map(vertebra_name, empty))} is empty and was ignored.",)
        if self._shared:
            warnings += (
                f"{path}: vertebra segments overlap in {self._shared} voxels, which went to the upper one.",
            )
        if problem := impossible({n: n for n in voxels}, label_shapes(voxels)):
            raise InputError(f"{path} cannot be right: {problem}; check the names of its segments.")
        return VertebraLabels(image, AUTO, warnings)
