"""The rigid start from one vertebra's labels against motions that are known."""

from __future__ import annotations

import numpy as np
import pytest
from spine_ctmr.alignment.label_start import label_start
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose

from .conftest import Labeller, _vertebra

L5 = 24


@pytest.mark.slow
@pytest.mark.parametrize(
    ("degrees", "shift"), [((0, 0, 0), (30, -20, 100)), ((10, -6, 8), (-7, 4, 12)), ((-12, 9, 5), (0, 50, 0))]
)
def test_known_motion_is_found_again(
    label_vertebrae: Labeller, degrees: tuple[float, ...], shift: tuple[float, ...]
) -> None:
    """The MR's labels are computed from the moved points, on another grid than the CT's."""
    center = np.array([3.0, -5.0, 7.0])
    true = Pose.from_rotation(np.radians(degrees), shift, center)
    ct_grid = Grid((110, 120, 60), (1.0, 1.0, 1.0), (-50.0, -40.0, -22.0))
    ct_labels = label_vertebrae(ct_grid, {L5: center})
    middle = true.apply(center + np.array([0, 15, 0]))
    low = tuple(float(v) for v in middle - [60, 60, 45])
    mr_grid = Grid((100, 100, 75), (1.2, 1.2, 1.2), (low[0], low[1], low[2]))
    back = true.inverse.apply(mr_grid.points())
    mr_labels = mr_grid.image(np.where(_vertebra(back - center), L5, 0).astype(np.uint8))
    found = label_start(ct_labels, mr_labels, L5)
    bone = ct_grid.points()[_vertebra(ct_grid.points() - center)]
    errors = np.linalg.norm(found.apply(bone) - true.apply(bone), axis=1)
    assert errors.mean() < 0.25
    assert errors.max() < 0.8
    assert np.allclose(found.rotation @ found.rotation.T, np.eye(3), atol=1e-9)


def test_missing_vertebra_is_named(label_vertebrae: Labeller) -> None:
    grid = Grid((100, 110, 50), (1.0, 1.0, 1.0), (-50.0, -40.0, -25.0))
    labels = label_vertebrae(grid, {L5: np.zeros(3)})
    with pytest.raises(InputError, match="MR labels lack L5"):
        label_start(labels, label_vertebrae(grid, {23: np.zeros(3)}), L5)
