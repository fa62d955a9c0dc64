"""What the benchmark measures of a transform, the same way for every method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ....evaluation.landmark_pairs import LandmarkPair
from ....evaluation.truth_points import PointPairs, TruthPoints
from ....geometry.grid import Grid
from ....geometry.jacobian import folding_count, jacobian_determinant
from ....geometry.pose import Pose
from ....geometry.transforms import map_points
from ....geometry.voxels import array_view
from ....quality.metrics import tre
from .problem import Problem

POINTS, SOFT_POINTS = 300, 4000
"""Most points per vertebra, and in soft tissue."""


@dataclass(frozen=True)
class TransformMeasures:
    """Errors in mm unless named otherwise; None where the patient does not tell.

    Attributes:
        bone_points: TRE at bone points of all vertebrae, the same number of each.
        bone_mean: mean over the vertebrae of their mean TRE.
        bone_worst: the largest of these means.
        soft_mean: mean TRE in soft tissue within 25 mm of bone.
        landmarks_mean: mean TRE at landmarks.
        rigid_deviation: RMS distance of the transform from its best rigid fit in a bone, worst vertebra.
        folds: voxels of the common 1 mm grid with det J <= 0.
    """

    bone_points: tuple[float, ...] | None
    bone_mean: float | None
    bone_worst: float | None
    soft_mean: float | None
    landmarks_mean: float | None
    rigid_deviation: float
    folds: int


def measure(
    mr_to_ct: sitk.Transform,
    problem: Problem,
    truth: TruthPoints | None,
    landmarks: Sequence[LandmarkPair] = (),
) -> TransformMeasures:
    """Measure a transform of a problem; at its true points and at landmarks, where given."""
    bone = _bone_errors(mr_to_ct, truth) if truth else {}
    means = [float(errors.mean()) for errors in bone.values()]
    every = np.concatenate(list(bone.values())) if bone else np.empty(0)
    soft = _errors(mr_to_ct, truth.soft.thinned(SOFT_POINTS, np.random.default_rng(0))) if truth else None
    distances = tre([p.mr for p in landmarks], [p.ct for p in landmarks], mr_to_ct) if landmarks else None
    displacement = _displacement(mr_to_ct, problem.grid)
    return TransformMeasures(
        bone_points=tuple(every.round(3).tolist()) if bone else None,
        bone_mean=float(np.mean(means)) if bone else None,
        bone_worst=max(means) if bone else None,
        soft_mean=None if soft is None else float(soft.mean()),
        landmarks_mean=None if distances is None else float(distances.mean()),
        rigid_deviation=_rigid_deviation(mr_to_ct, displacement, problem),
        folds=folding_count(jacobian_determinant(displacement, problem.grid)),
    )


def _bone_errors(mr_to_ct: sitk.Transform, truth: TruthPoints) -> dict[int, NDArray[Any]]:
    """Distances (n,) in the CT from bone points to where their true places in the MR are taken."""
    rng = np.random.default_rng(0)
    return {number: _errors(mr_to_ct, pairs.thinned(POINTS, rng)) for number, pairs in truth.bone.items()}


def _errors(mr_to_ct: sitk.Transform, pairs: PointPairs) -> NDArray[Any]:
    return np.linalg.norm(map_points(mr_to_ct, pairs.mr) - pairs.ct, axis=1)


def _displacement(transform: sitk.Transform, grid: Grid) -> NDArray[np.float32]:
    """A transform less the identity (z, y, x, 3) in LPS mm on a grid."""
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat32, grid.size, grid.origin_mm, grid.spacing_mm, grid.direction
    )
    return array_view(field).copy()


def _rigid_deviation(mr_to_ct: sitk.Transform, displacement: NDArray[Any], problem: Problem) -> float:
    """Of the MR points that the transform takes into a vertebra of the CT."""
    grid, labels = Grid.of(problem.case.vertebrae), problem.case.vertebrae
    points = problem.grid.points().reshape(-1, 3)
    array = array_view(labels)
    near = array_view(sitk.BinaryDilate(problem.labels > 0, [8, 8, 8])).ravel() > 0
    points, taken = points[near], (points + displacement.reshape(-1, 3))[near]
    index = np.round(grid.to_indices(taken)).astype(int)
    inside = np.all((index >= 0) & (index < grid.size), 1)
    points, index = points[inside], index[inside]
    names = array[index[:, 2], index[:, 1], index[:, 0]]
    rng = np.random.default_rng(0)
    deviations = []
    for number in np.unique(names[names > 0]):
        chosen = points[names == number]
        chosen = chosen[rng.choice(len(chosen), min(POINTS, len(chosen)), replace=False)]
        moved = map_points(mr_to_ct, chosen)
        apart = moved - Pose.fit(chosen, moved).apply(chosen)
        deviations.append(float(np.sqrt(np.square(apart).sum(1).mean())))
    return max(deviations, default=0.0)
