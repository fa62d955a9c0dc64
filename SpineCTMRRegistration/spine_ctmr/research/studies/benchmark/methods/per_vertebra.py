"""One rigid motion per vertebra by mutual information, blended between the bones (Little et al. 1997)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from .....geometry.grid import Grid
from .....geometry.pose import Pose
from .....geometry.voxels import array_view
from ..problem import Problem

SURROUNDINGS_MM = 4.0
"""How far beyond a bone the images are compared."""
WEIGHT_POWER = 1.5
FARTHEST_MM = 20.0
"""How far a bone may move and still lie in its crop of the MR."""


def register(problem: Problem, threads: int) -> sitk.Transform:
    """Every vertebra refined alone; the blend weighs them by distance to the moved bone to the power -1.5."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(problem.labels)
    motions = [
        (number, _refined(problem, number, statistics.GetBoundingBox(number)))
        for number in statistics.GetLabels()
    ]
    return problem.transform(_blended(problem, motions))


def _refined(problem: Problem, number: int, box: tuple[int, ...]) -> sitk.Transform:
    """The motion of one bone from `moving` to `fixed`."""
    bone = _crop(problem.labels, box, SURROUNDINGS_MM) == number
    surroundings = sitk.SignedMaurerDistanceMap(bone, squaredDistance=False, useImageSpacing=True)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricFixedMask(surroundings <= SURROUNDINGS_MM)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([1, 0])
    method.SetOptimizerAsRegularStepGradientDescent(0.5, 0.005, 100)
    method.SetOptimizerScalesFromPhysicalShift()
    begin = sitk.Euler3DTransform()
    begin.SetCenter(Grid.of(bone).center_mm.tolist())
    method.SetInitialTransform(begin)
    return method.Execute(_crop(problem.moving, box, SURROUNDINGS_MM), _crop(problem.fixed, box, FARTHEST_MM))


def _crop(image: sitk.Image, box: tuple[int, ...], margin_mm: float) -> sitk.Image:
    """The image in a bounding box (start, then size) and a margin."""
    margin = [math.ceil(margin_mm / s) for s in image.GetSpacing()]
    low = [max(b - m, 0) for b, m in zip(box[:3], margin, strict=True)]
    ends = zip(box[:3], box[3:], margin, image.GetSize(), strict=True)
    high = [min(start + size + m, whole) for start, size, m, whole in ends]
    return sitk.RegionOfInterest(image, [last - first for first, last in zip(low, high, strict=True)], low)


def _blended(problem: Problem, motions: list[tuple[int, sitk.Transform]]) -> NDArray[Any]:
    """Displacement (z, y, x, 3) in LPS mm from `fixed` to `moving`."""
    points = problem.grid.points()
    total, weights = np.zeros(points.shape), np.zeros(points.shape[:3])
    for number, motion in motions:
        bone = sitk.Resample(problem.labels == number, motion.GetInverse(), sitk.sitkNearestNeighbor)
        distance = sitk.SignedMaurerDistanceMap(bone, squaredDistance=False, useImageSpacing=True)
        outside = np.maximum(array_view(distance), 1e-3)
        weight = outside.astype(float) ** -WEIGHT_POWER
        back = Pose.from_sitk(motion).inverse
        total += weight[..., None] * (back.apply(points) - points)
        weights += weight
    return np.asarray(total / weights[..., None])
