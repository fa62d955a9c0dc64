"""How clearly the images prefer the found pose of a vertebra to the places beside it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..imaging.case import Centroids
from ..imaging.vertebra_names import cranial_to_caudal
from .matching import Level, Scene, make_level
from .refinement import poses_in_box

STEP_MM = 5.0
FACTOR, POINTS, REACH_MM = 2, 1000, 4.0


def match_ratios(
    scene: Scene,
    box: Grid,
    global_rigid: Pose,
    ct_centers: Centroids,
    poses: Mapping[int, Pose],
) -> dict[int, float]:
    """Descriptor residual of each vertebra over the smallest of the residuals 5 mm beside it, by number.

    0.5 to 0.75 where bone edges coincide, 1 and more where the images would match as well elsewhere; NaN
    outside the images. The ratio does not depend on noise and contrast as the residual itself does.

    Args:
        scene: both images on `box`, the CT moved by `global_rigid`.
        box: grid of the scene in the MR frame.
        global_rigid: CT→MR in LPS mm.
        ct_centers: body centres in the CT, LPS mm.
        poses: CT→MR poses in LPS mm to judge.
    """
    numbers = cranial_to_caudal(list(ct_centers))
    level = make_level(scene, numbers, FACTOR, POINTS, REACH_MM, torch.Generator().manual_seed(2))
    found = poses_in_box([poses], numbers, box, global_rigid, ct_centers)
    target = level.ct_descriptors(found.rotation[0].float())
    moved = found.apply(level.points)[0].float()
    steps = torch.cat([torch.zeros(1, 3), torch.eye(3), -torch.eye(3)]).to(moved) * STEP_MM
    residuals = torch.stack([_residual(level, moved + step, target) for step in steps])
    beside = residuals[1:].nan_to_num(nan=torch.inf).amin(0)
    ratio = residuals[0] / beside
    return {number: float(value) for number, value in zip(numbers, ratio, strict=True)}


def _residual(level: Level, points: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean squared descriptor difference (n,) over the points (n, p, 3) that both images show."""
    weight = level.comparable(points)
    difference, _ = level.mr_descriptors(points)
    squared = (difference - target).square().mean(-1)
    return (squared * weight).sum(-1) / weight.sum(-1)
