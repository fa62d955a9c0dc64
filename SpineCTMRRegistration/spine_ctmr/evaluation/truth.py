"""Errors of a registration against known true points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..deformation.deformation import Deformation
from ..geometry.jacobian import folding_count, jacobian_determinant
from ..geometry.pose import Pose
from ..geometry.transforms import map_points
from .truth_points import PointPairs, TruthPoints


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
        determinant_error: 99th percentile over some 200 points of each bone of |det J - 1|.
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


def pose_errors(bone: Mapping[int, PointPairs], poses: Mapping[int, Pose]) -> dict[int, float]:
    """Mean TRE in mm over the bone of each vertebra that has a rigid CT→MR pose, by VerSe number."""
    errors = {}
    for number, pairs in bone.items():
        if number in poses:
            distance = poses[number].apply(pairs.ct) - pairs.mr
            errors[number] = float(np.linalg.norm(distance, axis=1).mean())
    return errors


def errors_against_truth(truth: TruthPoints, deformation: Deformation, seed: int = 0) -> TruthErrors:
    """Measure a deformation by the transforms that are written for users."""
    to_mr, to_ct = deformation.ct_to_mr(), deformation.mr_to_ct()
    bone, deviations, far, determinants = {}, [], [], []
    for number, pairs in truth.bone.items():
        moved = map_points(to_mr, pairs.ct)
        bone[number] = float(np.linalg.norm(moved - pairs.mr, axis=1).mean())
        best = Pose.fit(pairs.ct, moved)
        deviations.append(float(np.sqrt(np.square(moved - best.apply(pairs.ct)).sum(1).mean())))
        if number in deformation.poses:
            estimate = deformation.poses[number].apply(pairs.ct)
            far.append(np.linalg.norm(moved - estimate, axis=1))
            determinants.append(np.abs(_determinants(to_ct, estimate[:: max(1, len(estimate) // 200)]) - 1))
    soft = np.linalg.norm(map_points(to_ct, truth.soft.mr) - truth.soft.ct, axis=1)
    back = _round_trip(deformation, to_ct, to_mr, np.random.default_rng(seed))
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


def _round_trip(
    deformation: Deformation, to_ct: sitk.Transform, to_mr: sitk.Transform, rng: np.random.Generator
) -> NDArray[Any]:
    box = deformation.box
    points = box.to_points(rng.uniform(0, 1, (4000, 3)) * (np.array(box.size) - 1))
    return np.linalg.norm(map_points(to_mr, map_points(to_ct, points)) - points, axis=1)
