"""Symmetric normalisation of ANTs (Avants et al. 2008), by the package antspyx."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..problem import Problem


def register(problem: Problem, threads: int) -> sitk.Transform:
    """ANTsPy's default "SyN": affine, then deformable, both by Mattes mutual information."""
    import ants

    with tempfile.TemporaryDirectory() as folder:
        found = ants.registration(
            fixed=_image(problem.fixed),
            moving=_image(problem.moving),
            type_of_transform="SyN",
            initial_transform="Identity",
            outprefix=str(Path(folder) / "syn"),
            random_seed=1,
        )
        warp, affine = found["fwdtransforms"]
        field = sitk.Cast(sitk.ReadImage(warp), sitk.sitkVectorFloat64)
        parts = [sitk.ReadTransform(affine), sitk.DisplacementFieldTransform(field)]
    return problem.after_start(sitk.CompositeTransform(parts))


def _image(image: sitk.Image) -> Any:
    import ants

    return ants.from_numpy(
        np.ascontiguousarray(sitk.GetArrayFromImage(image).transpose(2, 1, 0)),
        origin=image.GetOrigin(),
        spacing=image.GetSpacing(),
    )
