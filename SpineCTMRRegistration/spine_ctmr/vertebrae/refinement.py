"""Rigid poses of all vertebrae, refined on the images from several starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..geometry.boxes import from_box
from ..geometry.pose import Pose
from ..process.threads import beside
from ..progress import Progress, silent
from .gauss_newton import Fit, JointPrior, Poses, optimise
from .matching import Resolution, make_resolution
from .placed_scene import PlacedScene
from .uncertainty import PoseUncertainty, pose_uncertainty

FEW = 8
"""Every eighth sample point is enough for the residual at the start, which is only shown."""


@dataclass(frozen=True)
class Stage:
    """One resolution of the refinement.

    Attributes:
        factor: coarsening of the scene.
        points: samples for each vertebra.
        iterations: Gauss-Newton steps per round.
        rounds: how often the CT's descriptors are rendered anew.
        keep: how many of the best starts go on.
        information: weight of the mutual information beside the descriptors.
    """

    factor: int
    points: int
    iterations: int
    rounds: int
    keep: int
    information: float = 0.0


@dataclass(frozen=True)
class RefinementOptions:
    """The refinement's schedule.

    Attributes:
        stages: from coarse to fine.
        shifts_mm: extra starts displaced along the spine by this, both ways (0 = none).
        turns_deg: extra starts turned about the spine by this, both ways (0 = none).
        reach_mm: tissue around the bone that takes part.
    """

    stages: tuple[Stage, ...] = (
        Stage(4, 800, 10, 1, 3),
        Stage(2, 1500, 8, 1, 1),
        Stage(1, 16_000, 4, 1, 1, 0.3),
    )
    shifts_mm: float = 0.0
    turns_deg: float = 0.0
    reach_mm: float = 4.0


@dataclass(frozen=True)
class VertebraPose:
    """A vertebra's pose and what speaks for it.

    Attributes:
        number: VerSe number.
        pose: CT→MR.
        residual_before, residual_after: mean squared descriptor difference at the start and at the end.
        spread_mm: how far the other starts that explain the images about as well end from this pose.
        visible_share: share of the bone that both images show.
        neighbour_disagreement_mm: opening of the joints with the neighbours.
        match_ratio: residual over the smallest one 5 mm beside (`distinctness`); NaN before it is measured.
        stretch_mm: how far its points move when it is stretched to match best (`bone_size`); likewise.
        uncertainty_mm: how far the bone's points may be off, RMS (`uncertainty`).
        uncertainty_deg: how far its rotation may be off, likewise.
    """

    number: int
    pose: Pose
    residual_before: float
    residual_after: float
    spread_mm: float
    visible_share: float
    neighbour_disagreement_mm: float
    uncertainty_mm: float
    uncertainty_deg: float
    match_ratio: float = float("nan")
    stretch_mm: float = float("nan")


def refine_poses(
    place: PlacedScene,
    starts: Sequence[Mapping[int, Pose]],
    options: RefinementOptions,
    progress: Progress = silent,
) -> dict[int, VertebraPose]:
    """Refine the poses of all vertebrae of the scene together.

    Args:
        place: the images and the vertebrae to refine.
        starts: CT→MR poses in LPS mm to start from, and variations of the first; a missing pose is
            the global one.
        options: the schedule.
        progress: told the stage and the share done.
    """
    poses = _starts(place, starts, options)
    first = poses.select(torch.tensor([0]))
    prior = joint_prior(place, poses)
    spread = torch.zeros(len(place.numbers))
    with beside() as ahead:
        resolutions = [
            ahead.submit(make_resolution, place.scene, place.numbers, s.factor, s.points, options.reach_mm)
            for s in options.stages
        ]
        for k, (stage, coming) in enumerate(zip(options.stages, resolutions, strict=True)):
            progress("vertebrae", k / len(resolutions))
            resolution = coming.result()
            fit = optimise(resolution, poses, prior, stage.iterations, stage.rounds, stage.information)
            order = _ranking(fit)
            if len(order) > 1:
                spread = _spread(resolution, fit, order)
            poses = fit.poses.select(order[: stage.keep])
    best = order[:1]
    fit = Fit(poses, fit.residual[best], fit.compared[best], fit.visible[best], fit.covariance[best])
    uncertainty = pose_uncertainty(fit.covariance[0], poses, resolution.points)
    few = replace(resolution, points=resolution.points[:, ::FEW], known=resolution.known[:, ::FEW])
    before = optimise(few, first, prior, 0, 1)
    return _summary(place, fit, before, spread, prior, uncertainty)


def joint_prior(place: PlacedScene, poses: Poses) -> JointPrior:
    """The prior with joints half way between neighbouring bodies, and bones that are solid."""
    return JointPrior((poses.center[1:] + poses.center[:-1]) / 2, place.faces)


def _starts(place: PlacedScene, starts: Sequence[Mapping[int, Pose]], options: RefinementOptions) -> Poses:
    """Residual motions of the given starts and of the variations of the first."""
    middle = place.centers.mean(0)
    along = _spine_axis(place.centers)
    variations = []
    for sign in (-1, 1):
        if options.shifts_mm:
            variations.append(Pose.from_rotation(np.zeros(3), sign * options.shifts_mm * along))
        if options.turns_deg:
            turn = np.radians(sign * options.turns_deg) * along
            variations.append(Pose.from_rotation(turn, np.zeros(3), middle))
    turned = [{n: v @ starts[0].get(n, place.global_rigid) for n in place.numbers} for v in variations]
    return place.residual_motions([*starts, *turned])


def _spine_axis(centers: np.ndarray) -> np.ndarray:
    if len(centers) < 2:
        return np.array([0.0, 0.0, 1.0])
    axis = centers[0] - centers[-1]
    return axis / np.linalg.norm(axis)


def _ranking(fit: Fit) -> torch.Tensor:
    """Starts from the best to the worst explanation of the images."""
    weight = fit.compared + 1e-6
    return torch.argsort((fit.residual * weight).sum(1) / weight.sum(1))


def _spread(resolution: Resolution, fit: Fit, order: torch.Tensor) -> torch.Tensor:
    """Mean distance in mm (n,) of the best start's points from those of the starts that fit as well."""
    moved = fit.poses.apply(resolution.points[:, ::20])
    distance = (moved - moved[order[0]]).norm(dim=-1).mean(-1)
    best = fit.residual[order[0]]
    rival = (fit.residual <= 1.03 * best) & (fit.compared > 0)
    return (distance * rival).amax(0).float()


def _summary(
    place: PlacedScene,
    fit: Fit,
    before: Fit,
    spread: torch.Tensor,
    prior: JointPrior,
    uncertainty: PoseUncertainty,
) -> dict[int, VertebraPose]:
    rotation, shift, center = (
        t.cpu().numpy() for t in (fit.poses.rotation[0], fit.poses.translation[0], fit.poses.center)
    )
    residual_motions = [Pose.of(r, c + t - r @ c) for r, t, c in zip(rotation, shift, center, strict=True)]
    joints = prior.points.cpu().numpy()
    gaps = [
        float(np.linalg.norm(a.apply(j) - b.apply(j)))
        for a, b, j in zip(residual_motions[:-1], residual_motions[1:], joints, strict=True)
    ]
    result = {}
    for i, number in enumerate(place.numbers):
        near = gaps[max(i - 1, 0) : i + 1]
        result[number] = VertebraPose(
            number=number,
            pose=from_box(residual_motions[i], place.box) @ place.global_rigid,
            residual_before=float(before.residual[0, i]),
            residual_after=float(fit.residual[0, i]),
            spread_mm=float(spread[i]),
            visible_share=float(fit.visible[0, i]),
            neighbour_disagreement_mm=max(near, default=0.0),
            uncertainty_mm=float(uncertainty.points_mm[i]),
            uncertainty_deg=float(uncertainty.turn_deg[i]),
        )
    return result
