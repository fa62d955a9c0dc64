"""Errors of a registration against the known truth of a phantom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..deformation.deformation import Deformation
from ..geometry import rigid
from ..geometry.grid import Grid
from ..geometry.jacobian import folding_count, jacobian_determinant
from ..phantoms.phantom import Phantom

SOFT_REACH_MM = 25.0


@dataclass(frozen=True)
class TruthErrors:
    """Errors in mm unless named otherwise.

    Attributes:
        bone: mean TRE over the bone of each vertebra, by VerSe number.
        bone_mean, bone_worst: mean and largest of them.
        soft_mean: mean TRE of `mr_to_ct` in soft tissue within 25 mm of bone.
        soft_p95: 95th percentile of the same.
        rigid_deviation: RMS distance of the written transform from its best rigid fit, worst vertebra.
        rigid_deviation_p99: 99th percentile over all bone points of the distance from the pose.
        determinant_error: largest |det J - 1| at bone points further than a voxel from another bone.
        folds: voxels of the field with det J <= 0.
        inverse_mean, inverse_p99, inverse_max: distance after going to the CT and back.
    """

    bone: dict[int, float]
    bone_mean: float
    bone_worst: float
    soft_mean: float
    soft_p95: float
    rigid_deviation: float
    rigid_deviation_p99: float
    determinant_error: float
    folds: int
    inverse_mean: float
    inverse_p99: float
    inverse_max: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def map_points(transform: sitk.Transform, points: NDArray[Any]) -> NDArray[Any]:
    """LPS points (n, 3) moved by a SimpleITK transform."""
    return np.array([transform.TransformPoint([float(v) for v in p]) for p in points])


def bone_points(labels: sitk.Image, number: int, most: int, rng: np.random.Generator) -> NDArray[Any]:
    """Up to `most` LPS points (n, 3) at voxel centres of a vertebra."""
    voxels = np.argwhere(sitk.GetArrayViewFromImage(labels) == number)[:, ::-1]
    if len(voxels) > most:
        voxels = voxels[rng.choice(len(voxels), most, replace=False)]
    return Grid.of(labels).to_points(voxels)


def pose_errors(phantom: Phantom, poses: Mapping[int, rigid.Rigid], seed: int = 0) -> dict[int, float]:
    """Mean TRE in mm over the bone of each vertebra of rigid CT→MR poses, by VerSe number."""
    rng = np.random.default_rng(seed)
    errors = {}
    for number, true in phantom.poses.items():
        points = bone_points(phantom.case.vertebrae, number, 1500, rng)
        distance = rigid.apply(poses[number], points) - rigid.apply(true, points)
        errors[number] = float(np.linalg.norm(distance, axis=1).mean())
    return errors


def errors_against_truth(phantom: Phantom, deformation: Deformation, seed: int = 0) -> TruthErrors:
    """Measure a deformation by the transforms that are written for users."""
    rng = np.random.default_rng(seed)
    to_mr, to_ct = deformation.ct_to_mr(), deformation.mr_to_ct()
    bone, deviations, far, determinants = {}, [], [], []
    for number, pose in phantom.poses.items():
        points = bone_points(phantom.case.vertebrae, number, 1500, rng)
        moved = map_points(to_mr, points)
        bone[number] = float(np.linalg.norm(moved - rigid.apply(pose, points), axis=1).mean())
        best = rigid.fit(points, moved)
        deviations.append(float(np.sqrt(np.square(moved - rigid.apply(best, points)).sum(1).mean())))
        estimate = deformation.poses[number]
        far.append(np.linalg.norm(moved - rigid.apply(estimate, points), axis=1))
        determinants.append(np.abs(_determinants(to_ct, rigid.apply(estimate, points[:200])) - 1))
    soft = soft_errors(phantom, to_ct, rng)
    back = _round_trip(deformation, to_ct, to_mr, rng)
    field = jacobian_determinant(deformation.mr_to_ct_field, deformation.box)
    return TruthErrors(
        bone=bone,
        bone_mean=float(np.mean(list(bone.values()))),
        bone_worst=max(bone.values()),
        soft_mean=float(soft.mean()),
        soft_p95=float(np.percentile(soft, 95)),
        rigid_deviation=max(deviations),
        rigid_deviation_p99=float(np.percentile(np.concatenate(far), 99)),
        determinant_error=float(np.percentile(np.concatenate(determinants), 99)),
        folds=int(folding_count(field)),
        inverse_mean=float(back.mean()),
        inverse_p99=float(np.percentile(back, 99)),
        inverse_max=float(back.max()),
    )


def _determinants(transform: sitk.Transform, points: NDArray[Any], step_mm: float = 0.05) -> NDArray[Any]:
    """det J (n,) by central differences of the transform itself."""
    columns = []
    for axis in np.eye(3) * step_mm:
        columns.append(
            (map_points(transform, points + axis) - map_points(transform, points - axis)) / (2 * step_mm)
        )
    return np.linalg.det(np.stack(columns, -1))


def soft_errors(phantom: Phantom, to_ct: sitk.Transform, rng: np.random.Generator) -> NDArray[Any]:
    """Errors (n,) of `mr_to_ct` at MR points whose true place in the CT is soft tissue near bone."""
    grid = Grid.of(phantom.case.mr)
    candidates = grid.to_points(rng.uniform(0, 1, (30_000, 3)) * (np.array(grid.size) - 1))
    true = phantom.mr_to_ct_points(candidates)
    labels = phantom.case.vertebrae
    distance = sitk.SignedMaurerDistanceMap(labels > 0, squaredDistance=False, useImageSpacing=True)
    index = np.round(Grid.of(labels).to_indices(true)).astype(int)
    inside = np.all((index >= 0) & (index < Grid.of(labels).size), 1)
    candidates, true, index = candidates[inside], true[inside], index[inside]
    depth = sitk.GetArrayViewFromImage(distance)[index[:, 2], index[:, 1], index[:, 0]]
    chosen = (depth > 0.5) & (depth <= SOFT_REACH_MM)
    moved = map_points(to_ct, candidates[chosen][:4000])
    return np.linalg.norm(moved - true[chosen][:4000], axis=1)


def _round_trip(
    deformation: Deformation, to_ct: sitk.Transform, to_mr: sitk.Transform, rng: np.random.Generator
) -> NDArray[Any]:
    box = deformation.box
    points = box.to_points(rng.uniform(0, 1, (4000, 3)) * (np.array(box.size) - 1))
    return np.linalg.norm(map_points(to_mr, map_points(to_ct, points)) - points, axis=1)
