"""How much a bone of the CT must be stretched to match the MR: hardly, if both show the same patient."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..geometry.pose import Pose
from .matching import Resolution, make_resolution
from .placed_scene import PlacedScene

FACTOR, POINTS, REACH_MM, STEPS = 1, 1500, 1.5, 6
TYPICAL_STRETCH, TYPICAL_SHIFT_MM = 0.1, 4.0
"""Standard deviations of what is looked for; weak, so that the images decide where they can."""
EVIDENCE = 300.0
"""Number of independent observations that a fully visible vertebra is worth."""
OVER_RELAXATION = 1.5
LARGEST_STRETCH, LARGEST_SHIFT_MM = 0.05, 2.0
"""Of one step."""


def bone_stretches(place: PlacedScene, poses: Mapping[int, Pose]) -> dict[int, float]:
    """How far the points of each bone move, RMS in mm, when it is stretched to match the MR best; by number.

    Every vertebra is moved on from its pose by an affine motion of its own, by Gauss-Newton steps on the
    descriptors; what remains of it without rotation and shift is the stretch. On phantoms 0.2 to 0.6 mm for
    the same bone. NaN outside the images.

    Args:
        place: the images and where the vertebrae are thought to be in them.
        poses: CT→MR poses in LPS mm to judge.
    """
    resolution = make_resolution(place.scene, place.numbers, FACTOR, POINTS, REACH_MM)
    found = place.residual_motions([poses])
    target = resolution.ct_descriptors(found.rotation[0].float())
    pivot = found.center + found.translation[0]
    local = found.apply(resolution.points)[0] - pivot[:, None]
    local = torch.cat([local, torch.ones_like(local[..., :1])], -1).float()
    affine = torch.cat([torch.eye(3), torch.zeros(3, 1)], -1).to(local).repeat(len(place.numbers), 1, 1)
    for _ in range(STEPS):
        affine = affine + _step(resolution, local, pivot.float(), affine, target)
    _, stretch, axes = torch.linalg.svd(affine[..., :3])
    along = (local[..., :3] - local[..., :3].mean(1, keepdim=True)) @ axes.transpose(-1, -2)
    size = (along * (stretch[:, None] - 1)).square().sum(-1).mean(-1).sqrt()
    seen = resolution.comparable(local[..., :3] + pivot[:, None].float()).amax(-1) > 0
    size = torch.where(seen, size, torch.nan)
    return {number: float(value) for number, value in zip(place.numbers, size, strict=True)}


def _step(
    resolution: Resolution,
    local: torch.Tensor,
    pivot: torch.Tensor,
    affine: torch.Tensor,
    target: torch.Tensor,
) -> torch.Tensor:
    """The change (n, 3, 4) of affine motions (n, 3, 4) of points (n, p, 4) about pivots (n, 3)."""
    where = local @ affine.transpose(-1, -2) + pivot[:, None]
    weight = resolution.comparable(where)
    value, slopes = resolution.mr_descriptors(where)
    difference, slope = value - target, torch.stack(slopes, -1)
    amount = weight.sum(-1).clamp(min=1e-3)
    residual = (difference.square().mean(-1) * weight).sum(-1) / amount
    worth = EVIDENCE * weight.mean(-1) / (amount * target.shape[-1] * residual.clamp(min=1e-6))
    pull = torch.einsum("npca,npc,np->npa", slope, difference, weight * worth[:, None])
    stiffness = torch.einsum("npca,npcb,np->npab", slope, slope, weight * worth[:, None])
    gradient = torch.einsum("npa,npi->nai", pull, local).flatten(1).double()
    hessian = torch.einsum("npab,npi,npj->naibj", stiffness, local, local).reshape(-1, 12, 12).double()
    spread = torch.tensor([TYPICAL_STRETCH] * 3 + [TYPICAL_SHIFT_MM]).repeat(3).to(gradient)
    step = -OVER_RELAXATION * torch.linalg.solve(hessian + torch.diag(spread**-2), gradient)
    largest = torch.tensor([LARGEST_STRETCH] * 3 + [LARGEST_SHIFT_MM]).to(step)
    return step.reshape(-1, 3, 4).clamp(-largest, largest).float()
