"""A network that sees the spine larger than it learned it answers in the voxels that it sees."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from spine_ctmr import network_looks
from spine_ctmr.alignment.start import Start
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.label_voxels import bone_corners

LEARNED_MM = 2.0


@pytest.mark.parametrize("scale", [1.0, 0.8])
def test_a_shift_of_one_voxel_is_one_of_the_grid_that_was_shown(
    monkeypatch: pytest.MonkeyPatch, scale: float
) -> None:
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[10:30, 12:28, 8:32] = 20
    image = sitk.GetImageFromArray(labels)
    shown: list[Grid] = []

    def images(case: Any, grid: Grid, to_ct: Any) -> tuple[Any, Any]:
        shown.append(grid)
        return np.zeros(grid.shape), np.zeros(grid.shape)

    def one_voxel_to_the_left(network: Any, mr: Any, ct: Any) -> torch.Tensor:
        return torch.tensor([LEARNED_MM, 0.0, 0.0]).expand(*mr.shape, 3).clone()

    monkeypatch.setattr(network_looks, "case_on_grid", images)
    monkeypatch.setattr(network_looks, "predict_displacement", one_voxel_to_the_left)
    network: Any = SimpleNamespace(card=SimpleNamespace(spacing_mm=LEARNED_MM, look_scale=scale))
    corners, still = bone_corners(image), Pose.identity()
    start: Any = SimpleNamespace(
        motions={20: still}, ct_centers={20: np.array([20.0, 20.0, 20.0])}, global_rigid=still
    )
    assert set(vars(start)) <= set(Start.__dataclass_fields__)
    case: Any = SimpleNamespace(vertebrae=image)
    poses = network_looks._network_poses(network, case, corners, start)
    assert shown[0].spacing_mm[0] == pytest.approx(scale * LEARNED_MM)
    np.testing.assert_allclose(poses[20].rotation, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(poses[20].apply(np.zeros(3)), [-scale * LEARNED_MM, 0, 0], atol=1e-4)
