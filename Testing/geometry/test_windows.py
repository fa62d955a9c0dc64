"""Windows against their values in closed form."""

from __future__ import annotations

import numpy as np
import torch
from scipy.interpolate import CubicHermiteSpline
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.windows import border_ramps, smoothstep


def test_smoothstep_is_the_cubic_without_slope_at_its_ends() -> None:
    share = np.linspace(0, 1, 21)
    cubic = CubicHermiteSpline([0, 1], [0, 1], [0, 0])
    np.testing.assert_allclose(smoothstep(share), cubic(share), atol=1e-12)
    torch.testing.assert_close(smoothstep(torch.from_numpy(share)), torch.from_numpy(cubic(share)))


def test_border_ramps_count_millimetres_along_every_axis() -> None:
    grid = Grid((9, 7, 5), (1.0, 2.0, 3.0), (5.0, -3.0, 8.0))
    z, y, x = border_ramps(grid, 4.0)
    np.testing.assert_allclose(x.ravel(), [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(y.ravel(), [0, 0.5, 1, 1, 1, 0.5, 0])
    np.testing.assert_allclose(z.ravel(), [0, 0.75, 1, 0.75, 0])
    assert (z * y * x).shape == grid.shape
