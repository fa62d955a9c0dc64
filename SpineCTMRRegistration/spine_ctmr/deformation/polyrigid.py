"""Diffeomorphic motion of several rigid bodies, exactly rigid in each.

Log-Euclidean polyrigid motion (Arsigny et al. 2005) with co-moving weights: the velocity of a point
at time t is the weighted mean of the bodies' constant twists, and a body's weight is looked up where
the body was at time 0, so that the hard masks travel with the bones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..geometry.grid import Grid
from ..geometry.windows import smoothstep
from .bones import Bone, distance_at, largest_motion_mm, region_of
from .options import DeformationOptions

NEAREST_MM = 0.05


def _matrix(values: object, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=like.device)


def velocity(
    points: torch.Tensor,
    time: float,
    bones: Sequence[Bone],
    box: Grid,
    options: DeformationOptions,
    slack_mm: float,
) -> torch.Tensor:
    """Velocity (z, y, x, 3) in box mm per unit time of `points` near every `stride`-th node of the box."""
    total = torch.zeros_like(points)
    weights = torch.full(points.shape[:-1], 1e-12, device=points.device)
    nearest = torch.full(points.shape[:-1], options.reach_mm, device=points.device)
    for bone in bones:
        region = region_of(bone, box, options.reach_mm + slack_mm, options.stride)
        here = points[region]
        distance = distance_at(bone, here, time, box.spacing_mm[0])
        weight = (
            distance.clamp(min=NEAREST_MM).pow(-options.weight_power)
            - options.reach_mm**-options.weight_power
        )
        weight = weight.clamp(min=0)
        twist = here @ _matrix(bone.logarithm[:3, :3], points).T + _matrix(bone.logarithm[:3, 3], points)
        total[region] += weight[..., None] * twist
        weights[region] += weight
        nearest[region] = torch.minimum(nearest[region], distance)
    fade = smoothstep(((options.reach_mm - nearest) / (options.reach_mm - options.close_mm)).clamp(max=1))
    return total * (fade / weights)[..., None]


def integrate_back(
    points: torch.Tensor, bones: Sequence[Bone], box: Grid, options: DeformationOptions
) -> torch.Tensor:
    """Where points of the moved frame were before the motion (midpoint rule).

    `points` (z, y, x, 3) are every `options.stride`-th node of the box in box mm, displaced by a few
    millimetres at most.
    """
    slack = largest_motion_mm(bones, box)
    step = 1.0 / options.steps
    for k in range(options.steps):
        time = 1.0 - k * step
        middle = points - velocity(points, time, bones, box, options, slack) * (step / 2)
        points = points - velocity(middle, time - step / 2, bones, box, options, slack) * step
    return points
