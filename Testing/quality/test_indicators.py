"""How much of a bone lies inside another one, on blocks whose overlap is known."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.quality.indicators import overlap_shares

GRID = Grid((30, 30, 60), (1.0, 1.0, 1.0), (5.0, -8.0, 100.0))


@pytest.fixture
def blocks() -> sitk.Image:
    """L3 of 20 mm above L4 of 10 mm, with a gap of 5 mm; L5 of 10 mm far below."""
    array = np.zeros(GRID.shape, np.uint8)
    array[35:55, 5:25, 5:25] = 22
    array[20:30, 5:25, 5:25] = 23
    array[3:13, 5:25, 5:25] = 24
    return GRID.image(array)


@pytest.mark.parametrize(("down_mm", "shares"), [(0, (0.0, 0.0)), (5, (0.0, 0.0)), (10, (0.25, 0.5))])
def test_a_bone_pushed_into_the_next(blocks: sitk.Image, down_mm: float, shares: tuple[float, float]) -> None:
    table = Pose.from_rotation([0.2, -0.1, 0.3], np.array([4.0, 5.0, -6.0]))
    poses = dict.fromkeys((22, 23, 24), table)
    poses[22] = table @ Pose.of(np.eye(3), (0.0, 0.0, -float(down_mm)))
    found = overlap_shares(blocks, poses)
    assert (found[22], found[23]) == pytest.approx(shares, abs=0.03)
    assert found[24] == 0


def test_bones_without_a_pose_touch_nobody(blocks: sitk.Image) -> None:
    down = Pose.of(np.eye(3), (0.0, 0.0, -10.0))
    assert overlap_shares(blocks, {22: down}) == {22: 0.0}
