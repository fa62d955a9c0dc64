"""Affine registration by mutual information before the network, as in Cao et al. 2018, section 3."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from .integration import voxel_indices

Affine = NDArray[np.float64]
"""(4, 4) in mm along the axes of a grid: a place of the fixed image to its place in the moving one."""
HU = (-150.0, 1500.0)
BINS, SAMPLING, SEED = 32, 0.2, 1
SHRINK, SMOOTHING_MM = (4, 2, 1), (4.0, 2.0, 0.0)
STEP_MM, LEAST_STEP_MM, STEPS = 2.0, 0.01, 120


def affine_by_information(
    fixed: NDArray[Any], moving: NDArray[Any], spacing_mm: float, seen: NDArray[Any] | None = None
) -> Affine:
    """The affine map with most mutual information, by gradient ascent from none.

    FLIRT, which the paper uses, optimises the same measure; this is Mattes's form of it in SimpleITK.

    Args:
        fixed: MR (z, y, x), any unit.
        moving: CT in HU (z, y, x) on the same grid; air counts as fat, so that no field of view is matched.
        spacing_mm: of the grid.
        seen: (z, y, x), above 0 where the MR has a field of view; everywhere by default.

    Raises:
        InputError: one of the images shows nothing where both are seen.
    """
    images = [_image(values, spacing_mm) for values in (fixed, np.clip(moving, *HU))]
    begin = sitk.AffineTransform(3)
    begin.SetCenter([(n - 1) / 2 * spacing_mm for n in fixed.shape[::-1]])
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(SAMPLING, SEED)
    if seen is not None:
        method.SetMetricFixedMask(sitk.Cast(_image(seen, spacing_mm) > 0, sitk.sitkUInt8))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel(SHRINK)
    method.SetSmoothingSigmasPerLevel(SMOOTHING_MM)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetOptimizerAsRegularStepGradientDescent(STEP_MM, LEAST_STEP_MM, STEPS)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(begin, inPlace=True)
    try:
        method.Execute(*images)
    except RuntimeError as error:
        raise InputError(
            "CT and MR: the affine registration found nothing to compare; check that both show the same part "
            "of the body and are not empty there."
        ) from error
    shift = np.array(begin.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(begin.TransformPoint(unit)) - shift for unit in np.eye(3).tolist()]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.stack(columns, 1), shift
    return matrix


def displacement_after(matrix: Affine, local: Tensor, spacing_mm: float) -> Tensor:
    """x -> A(x + u(x)) less the identity, (1, 3, Z, Y, X) in mm.

    Args:
        matrix: A.
        local: u (1, 3, Z, Y, X) in mm, found on the moving image as A moved it.
        spacing_mm: of the grid.
    """
    points = voxel_indices(local.shape[2:], local) * spacing_mm
    moved = (points + local[0].permute(1, 2, 3, 0)).double()
    turn = torch.from_numpy(np.ascontiguousarray(matrix[:3, :3].T))
    turned = moved @ turn + torch.from_numpy(matrix[:3, 3])
    return (turned - points).float().permute(3, 0, 1, 2)[None]


def _image(values: NDArray[Any], spacing_mm: float) -> sitk.Image:
    image = sitk.GetImageFromArray(np.asarray(values, np.float32))
    image.SetSpacing([spacing_mm] * 3)
    return image
