"""Synthetic vertebra-like label maps on any grid, and the real data where there is any."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from spine_ctmr.geometry.grid import Grid

torch.set_num_threads(1)  # the tensors are small, and waiting for busy cores is slower

Labeller = Callable[[Grid, dict[int, NDArray[np.float64]]], sitk.Image]


def _rod(
    points: NDArray[np.float64], start: list[float], end: list[float], radius: float
) -> NDArray[np.bool_]:
    axis = np.subtract(end, start)
    share = np.clip((points - start) @ axis / (axis @ axis), 0, 1)
    return np.linalg.norm(points - start - share[..., None] * axis, axis=-1) <= radius


def _vertebra(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """A body (centred at the origin), pedicles, a spinous and two transverse processes; y is posterior."""
    inside = (np.square(points / [22.0, 16.0, 13.0])).sum(-1) <= 1
    inside |= _rod(points, [0, 34, -3], [0, 58, -8], 3.5)
    for side in (-1.0, 1.0):
        inside |= _rod(points, [side * 11, 10, 4], [side * 12, 24, 4], 4.0)
        inside |= _rod(points, [side * 12, 24, 4], [0, 36, -3], 3.0)
        inside |= _rod(points, [side * 12, 24, 4], [side * 40, 30, 5], 3.5)
    return inside


@pytest.fixture(scope="session")
def label_vertebrae() -> Labeller:
    """Labels on a grid of upright vertebra-like shapes with their bodies centred at given LPS points."""

    def label(grid: Grid, centers: dict[int, NDArray[np.float64]]) -> sitk.Image:
        points = grid.points()
        array = np.zeros(grid.shape, np.uint8)
        for number, center in centers.items():
            near = (np.abs(points - center) < [46, 64, 20]).all(-1)
            array[near] = np.where(_vertebra(points[near] - center), number, array[near])
        return grid.image(array)

    return label
