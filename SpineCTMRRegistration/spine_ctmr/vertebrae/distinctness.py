"""How clearly the images prefer the found pose of a vertebra to the places beside it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..geometry.pose import Pose
from .matching import Resolution, make_resolution
from .placed_scene import PlacedScene

STEP_MM = 5.0
FACTOR, POINTS, REACH_MM = 2, 1000, 4.0


def match_ratios(place: PlacedScene, poses: Mapping[int, Pose]) -> dict[int, float]:
    """Descriptor residual of each vertebra over the smallest of the residuals 5 mm beside it, by number.

    0.5 to 0.75 where bone edges coincide, 1 and more where the images would match as well elsewhere; NaN
    outside the images. The ratio does not depend on noise and contrast as the residual itself does.

    Args:
        place: the images and where the vertebrae are thought to be in them.
        poses: CT→MR poses in LPS mm to judge.
    """
    resolution = make_resolution(place.scene, place.numbers, FACTOR, POINTS, REACH_MM)
    found = place.residual_motions([poses])
    target = resolution.ct_descriptors(found.rotation[0].float())
    moved = found.apply(resolution.points)[0].float()
    steps = torch.cat([torch.zeros(1, 3), torch.eye(3), -torch.eye(3)]).to(moved) * STEP_MM
    residuals = torch.stack([_residual(resolution, moved + step, target) for step in steps])
    beside = residuals[1:].nan_to_num(nan=torch.inf).amin(0)
    ratio = residuals[0] / beside
    return {number: float(value) for number, value in zip(place.numbers, ratio, strict=True)}


def _residual(resolution: Resolution, points: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean squared descriptor difference (n,) over the points (n, p, 3) that both images show."""
    weight = resolution.comparable(points)
    difference, _ = resolution.mr_descriptors(points)
    squared = (difference - target).square().mean(-1)
    return (squared * weight).sum(-1) / weight.sum(-1)
