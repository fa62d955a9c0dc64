"""elastix with mutual information and the rigidity penalty of Staring et al. 2007, as in Jian et al. 2022."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...training.batch import Batch
from .methods import Displacements, Method

GRID_MM = 8.0
SETTINGS: Mapping[str, Sequence[str]] = {
    "Registration": ["MultiMetricMultiResolutionRegistration"],
    "FixedImagePyramid": ["FixedSmoothingImagePyramid"],
    "MovingImagePyramid": ["MovingSmoothingImagePyramid"],
    "Interpolator": ["LinearInterpolator", "LinearInterpolator"],
    "ResampleInterpolator": ["FinalLinearInterpolator"],
    "Resampler": ["DefaultResampler"],
    "Transform": ["BSplineTransform"],
    "NumberOfResolutions": ["3"],
    "Metric": ["AdvancedMattesMutualInformation", "TransformRigidityPenalty"],
    "Metric0Weight": ["0.1"],
    "Metric1Weight": ["0.5"],
    "UseLinearityCondition": ["false"],
    "UseOrthonormalityCondition": ["true"],
    "UsePropernessCondition": ["true"],
    "CalculateLinearityCondition": ["false"],
    "OrthonormalityConditionWeight": ["0.1"],
    "PropernessConditionWeight": ["0.1"],
    "UseFixedRigidityImage": ["false"],
    "UseMovingRigidityImage": ["true"],
    "Optimizer": ["StandardGradientDescent"],
    "MaximumNumberOfIterations": ["500"],
    "SP_a": ["150000", "120000", "70000"],
    "SP_A": ["100"],
    "SP_alpha": ["0.602"],
    "ImageSampler": ["RandomCoordinate"],
    "NumberOfSpatialSamples": ["65536"],
    "NewSamplesEveryIteration": ["true"],
    "NumberOfHistogramBins": ["32"],
    "RandomSeed": ["1"],
    "HowToCombineTransforms": ["Compose"],
    "WriteResultImage": ["false"],
}


def staring(spacing_mm: float) -> Method:
    """The conventional method of the paper's table, from the package itk-elastix.

    One thread: with more, elastix's rigidity penalty crashes the process. The bones are rigid where the CT
    labels say so; knots are 8 mm apart, or two voxels if that is more.
    """

    def displace(batch: Batch) -> Displacements:
        import itk

        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            rigidity = Path(folder) / "rigidity.mha"
            itk.imwrite(_image((batch.labels > 0).float(), spacing_mm), str(rigidity))
            parameters = itk.ParameterObject.New()
            knots = str(max(GRID_MM, 2 * spacing_mm))
            places = {"MovingRigidityImageName": [str(rigidity)], "FinalGridSpacingInPhysicalUnits": [knots]}
            parameters.AddParameterMap({**SETTINGS, **places})
            fixed, moving = _image(batch.fixed, spacing_mm), _image(batch.moving, spacing_mm)
            _, found = itk.elastix_registration_method(
                fixed, moving, parameter_object=parameters, number_of_threads=1, log_to_console=False
            )
            seconds = time.perf_counter() - began
            field = np.asarray(itk.transformix_deformation_field(moving, found, output_directory=folder))
        displacement = torch.from_numpy(field.astype(np.float32)).permute(3, 0, 1, 2)[None]
        return {"staring": (displacement, seconds)}

    return displace


def _image(values: torch.Tensor, spacing_mm: float) -> Any:
    import itk

    image = itk.image_from_array(np.ascontiguousarray(values[0, 0].numpy().astype(np.float32)))
    image.SetSpacing([spacing_mm] * 3)
    return image
