"""A rigid start from the labels of one vertebra in both images (van Ulsen 2022, section 3.2.1)."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.voxels import array_view
from ..imaging.vertebra_names import vertebra_name

SPACING_MM = 1.0
MARGIN_MM = 12.0
"""How far around the vertebra distances are compared."""
STEPS = 200


def label_start(ct_labels: sitk.Image, mr_labels: sitk.Image, number: int) -> Pose:
    """The rigid CT→MR motion that brings the labels of a vertebra together.

    Least squares of the signed distances to both surfaces around the vertebra, by gradient descent from the
    labels' centroids without rotation. The thesis minimises the error between the labels with elastix;
    distances have the same minimum, where the labels agree, and slopes further from it.

    Args:
        ct_labels: VerSe numbers in the CT's frame.
        mr_labels: VerSe numbers in the MR's frame.
        number: of the vertebra.

    Raises:
        InputError: CT or MR labels lack the vertebra.
    """
    ct, mr = (_distances(labels, number, name) for labels, name in ((ct_labels, "CT"), (mr_labels, "MR")))
    ct_center, mr_center = (_centroid(distances) for distances in (ct, mr))
    start = sitk.Euler3DTransform()
    start.SetCenter(mr_center)
    start.SetTranslation([a - b for a, b in zip(ct_center, mr_center, strict=True)])
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMeanSquares()
    method.SetMetricFixedMask(sitk.Cast(mr < MARGIN_MM, sitk.sitkUInt8))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=1e-3, numberOfIterations=STEPS, relaxationFactor=0.6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(start, inPlace=True)
    method.Execute(mr, ct)
    center = np.array(start.GetCenter())
    rotation = np.array(start.GetMatrix()).reshape(3, 3)
    mr_to_ct = Pose.of(rotation, center + start.GetTranslation() - rotation @ center)
    return mr_to_ct.inverse


def _distances(labels: sitk.Image, number: int, name: str) -> sitk.Image:
    """Signed distance in mm to a vertebra's surface, negative inside, on a grid around it."""
    voxels = np.argwhere(array_view(labels) == number)[:, ::-1]
    if len(voxels) == 0:
        raise InputError(
            f"The {name} labels lack {vertebra_name(number)}, which the rigid start needs; add it or choose "
            "another own_data.start_level."
        )
    grid = Grid.around(Grid.of(labels).to_points(voxels), SPACING_MM, 2 * MARGIN_MM)
    mask = sitk.Resample(
        labels == number, grid.empty(), sitk.Transform(), sitk.sitkNearestNeighbor, 0.0, sitk.sitkUInt8
    )
    distances = sitk.SignedMaurerDistanceMap(mask, squaredDistance=False, useImageSpacing=True)
    return sitk.Clamp(distances, sitk.sitkFloat32, -2 * MARGIN_MM, 2 * MARGIN_MM)


def _centroid(distances: sitk.Image) -> tuple[float, float, float]:
    inside = np.argwhere(array_view(distances) < 0)[:, ::-1]
    x, y, z = (float(v) for v in Grid.of(distances).to_points(inside).mean(0))
    return x, y, z
