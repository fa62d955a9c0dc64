"""Where the MR has lost its signal it shows nothing."""

from __future__ import annotations

import numpy as np
import pytest
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.vertebrae.scene import make_scene

GRID = Grid((20, 24, 30), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))


@pytest.mark.parametrize("darkest", [0, -40])
def test_black_half_is_not_seen(darkest):
    rng = np.random.default_rng(0)
    mr = rng.integers(20, 500, GRID.shape).astype(np.int16)
    mr[15:] = darkest
    mr[5, 5, 5] = darkest  # a dark voxel is tissue
    image, labels = GRID.image(mr), GRID.image(np.zeros(GRID.shape, np.uint8))
    seen = make_scene(image, image, labels, Pose.identity(), GRID).mr_seen.numpy()
    assert seen[:15].all()
    assert not seen[16:].any()


def test_even_tissue_is_seen():
    mr = np.zeros(GRID.shape, np.int16)
    mr[4:20, 4:20, 4:16] = 300
    image, labels = GRID.image(mr), GRID.image(np.zeros(GRID.shape, np.uint8))
    seen = make_scene(image, image, labels, Pose.identity(), GRID).mr_seen.numpy()
    assert seen[4:20, 4:20, 4:16].all()
