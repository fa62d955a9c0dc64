"""The body cut out of a whole vertebra, on a vertebra made of a cylinder and rods."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from spine_ctmr.evaluation.bodies import body_of
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.quality.metrics import dice
from spine_ctmr.quality.surface_distance import surface_distances

HALF_WIDTH_MM, HALF_DEPTH_MM, HALF_HEIGHT_MM = 23.0, 17.0, 13.0
"""Of a lumbar body; pedicles are 8 mm thick."""


def vertebra(spacing_mm: tuple[float, float, float], size: float) -> tuple[NDArray, NDArray]:
    """Masks (z, y, x) of the body and of the whole vertebra."""
    count = tuple(int(size * n / s) for n, s in zip((90, 110, 70), spacing_mm, strict=True))
    grid = Grid(count, spacing_mm, (-size * 45.0, -size * 25.0, -size * 35.0))
    x, y, z = np.moveaxis(grid.points() / size, -1, 0)
    body = ((x / HALF_WIDTH_MM) ** 2 + (y / HALF_DEPTH_MM) ** 2 <= 1) & (np.abs(z) <= HALF_HEIGHT_MM)
    pedicles = (np.hypot(np.abs(x) - 13, z - 4) <= 4) & (y > 0) & (y < 32)
    lamina = (np.abs(x) < 17) & (np.abs(y - 34) < 4) & (np.abs(z) < 10)
    transverse = (np.hypot(y - 24, z - 4) <= 4) & (np.abs(x) > 10) & (np.abs(x) < 40)
    spinous = (np.abs(x) < 3.5) & (y > 34) & (y < 65) & (np.abs(z + 4) < 9)
    return body, body | pedicles | lamina | transverse | spinous


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.98, 0.98, 3.27), (3.3, 0.7, 0.7)])
@pytest.mark.parametrize("size", [0.55, 1.0])
def test_body_and_nothing_else_is_found(spacing_mm: tuple[float, float, float], size: float) -> None:
    body, whole = vertebra(spacing_mm, size)
    assert dice(whole, body) < 0.87
    found = body_of(whole, spacing_mm)
    assert dice(found, body) > 0.96
    assert surface_distances(found, body, spacing_mm).mean_mm < 0.6
    assert surface_distances(whole, body, spacing_mm).hd95_mm > 15 * size


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.98, 0.98, 3.27)])
def test_a_body_alone_stays(spacing_mm: tuple[float, float, float]) -> None:
    body, _ = vertebra(spacing_mm, 1.0)
    assert dice(body_of(body, spacing_mm), body) > 0.99
