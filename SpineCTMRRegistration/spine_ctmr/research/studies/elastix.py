"""elastix as the paper's authors and most users run it: B-splines and mutual information, by itk-elastix."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Settings = Mapping[str, Sequence[str]]

KNOTS_MM = 8.0
COMMON: Settings = {
    "Resampler": ["DefaultResampler"],
    "Transform": ["BSplineTransform"],
    "NumberOfResolutions": ["3"],
    "MaximumNumberOfIterations": ["500"],
    "NewSamplesEveryIteration": ["true"],
    "RandomSeed": ["1"],
    "HowToCombineTransforms": ["Compose"],
    "WriteResultImage": ["false"],
}
MUTUAL_INFORMATION: Settings = {
    **COMMON,
    "Registration": ["MultiResolutionRegistration"],
    "FixedImagePyramid": ["FixedSmoothingImagePyramid"],
    "MovingImagePyramid": ["MovingSmoothingImagePyramid"],
    "Interpolator": ["LinearInterpolator"],
    "ResampleInterpolator": ["FinalLinearInterpolator"],
    "Metric": ["AdvancedMattesMutualInformation"],
    "NumberOfHistogramBins": ["32"],
    "Optimizer": ["AdaptiveStochasticGradientDescent"],
    "ImageSampler": ["RandomCoordinate"],
    "NumberOfSpatialSamples": ["4096"],
}
"""Mutual information alone."""
RIGIDITY_PENALTY: Settings = {
    **COMMON,
    "Registration": ["MultiMetricMultiResolutionRegistration"],
    "UseDirectionCosines": ["true"],
    "FixedImagePyramid": ["FixedRecursiveImagePyramid"],
    "MovingImagePyramid": ["MovingRecursiveImagePyramid"],
    "ImagePyramidSchedule": ["4", "4", "4", "2", "2", "2", "1", "1", "1"],
    "Interpolator": ["BSplineInterpolator", "BSplineInterpolator"],
    "BSplineInterpolationOrder": ["3"],
    "ResampleInterpolator": ["FinalBSplineInterpolator"],
    "FinalBSplineInterpolationOrder": ["3"],
    "DefaultPixelValue": ["-1024"],
    "Metric": ["AdvancedMattesMutualInformation", "TransformRigidityPenalty"],
    "Metric0Weight": ["0.1"],
    "Metric1Weight": ["0.5"],
    "NumberOfHistogramBins": ["64", "64", "100"],
    "UseLinearityCondition": ["false"],
    "UseOrthonormalityCondition": ["true"],
    "UsePropernessCondition": ["true"],
    "CalculateLinearityCondition": ["false"],
    "OrthonormalityConditionWeight": ["0.1"],
    "PropernessConditionWeight": ["0.1"],
    "DilateRigidityImages": ["false"],
    "UseFixedRigidityImage": ["false"],
    "UseMovingRigidityImage": ["true"],
    "Optimizer": ["StandardGradientDescent"],
    "AutomaticScalesEstimation": ["true"],
    "SP_a": ["150000", "120000", "70000"],
    "SP_A": ["100"],
    "SP_alpha": ["0.602"],
    "ImageSampler": ["Random"],
    "NumberOfSpatialSamples": ["65536"],
}
"""With the rigidity penalty of Staring et al. 2007, by the parameter file that Jian et al. 2022 published.

Theirs calculates the linearity condition too, without using it. For one thread: with more, the penalty
crashes the process (itk-elastix 0.25.4).
"""


def elastix_displacement(
    fixed: NDArray[Any],
    moving: NDArray[Any],
    spacing_mm: float,
    settings: Settings,
    threads: int,
    bone: NDArray[Any] | None = None,
    seen: NDArray[Any] | None = None,
) -> tuple[NDArray[np.float32], float]:
    """Displacement (z, y, x, 3) in mm from fixed to moving, components (x, y, z), and seconds for finding it.

    Args:
        fixed: image (z, y, x).
        moving: image on the same grid.
        spacing_mm: of that grid. Knots of the B-spline are 8 mm apart, or two voxels if that is more.
        settings: elastix parameters by name.
        threads: CPU threads.
        bone: where the moving image is rigid, in [0, 1], on the same grid.
        seen: where the fixed image says something, likewise; None for everywhere.
    """
    import itk

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        places = {"FinalGridSpacingInPhysicalUnits": [str(max(KNOTS_MM, 2 * spacing_mm))]}
        if bone is not None:
            rigidity = Path(folder) / "rigidity.mha"
            itk.imwrite(_image(bone, spacing_mm), str(rigidity))
            places["MovingRigidityImageName"] = [str(rigidity)]
        parameters = itk.ParameterObject.New()
        parameters.AddParameterMap({**settings, **places})
        target, source = _image(fixed, spacing_mm), _image(moving, spacing_mm)
        masks = {} if seen is None else {"fixed_mask": _image(seen, spacing_mm, np.uint8)}
        _, found = itk.elastix_registration_method(
            target,
            source,
            parameter_object=parameters,
            number_of_threads=threads,
            log_to_console=False,
            **masks,
        )
        seconds = time.perf_counter() - began
        field = np.asarray(itk.transformix_deformation_field(source, found, output_directory=folder))
    return field.astype(np.float32), seconds


def _image(values: NDArray[Any], spacing_mm: float, kind: type = np.float32) -> Any:
    import itk

    image = itk.image_from_array(np.ascontiguousarray(values, dtype=kind))
    image.SetSpacing([spacing_mm] * 3)
    return image
