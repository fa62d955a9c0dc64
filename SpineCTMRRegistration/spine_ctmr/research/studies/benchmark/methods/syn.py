"""Symmetric normalisation of ANTs (Avants et al. 2008), by the package antspyx."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from .....geometry.voxels import array_view
from ..problem import Problem


def register(problem: Problem, threads: int) -> sitk.Transform:
    """ANTsPy's default "SyN": affine, then deformable, both by Mattes mutual information."""
    seen = problem.grid.image(problem.seen.astype(np.uint8))
    return problem.after_start(ants_transform(problem.fixed, problem.moving, "SyN", seen))


def ants_transform(
    fixed: sitk.Image, moving: sitk.Image, kind: str, seen: sitk.Image | None = None
) -> sitk.Transform:
    """From the points of the fixed image to those of the moving one, found by ANTs from no motion on.

    Args:
        fixed: on any grid.
        moving: on any grid.
        kind: "Affine" or "SyN".
        seen: where the fixed image says something, 1 there; None for everywhere.
    """
    import ants

    with tempfile.TemporaryDirectory() as folder:
        found = ants.registration(
            fixed=_image(fixed),
            moving=_image(moving),
            type_of_transform=kind,
            initial_transform="Identity",
            mask=None if seen is None else _image(seen),
            mask_all_stages=seen is not None,
            outprefix=str(Path(folder) / "syn"),
            random_seed=1,
        )
        *warps, affine = found["fwdtransforms"]
        fields = [sitk.Cast(sitk.ReadImage(warp), sitk.sitkVectorFloat64) for warp in warps]
        parts = [sitk.ReadTransform(affine), *(sitk.DisplacementFieldTransform(field) for field in fields)]
    return sitk.CompositeTransform(parts)


def _image(image: sitk.Image) -> Any:
    import ants

    return ants.from_numpy(
        np.ascontiguousarray(array_view(image).copy().transpose(2, 1, 0)),
        origin=image.GetOrigin(),
        spacing=image.GetSpacing(),
    )
