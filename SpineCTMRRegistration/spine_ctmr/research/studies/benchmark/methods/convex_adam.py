"""ConvexAdam (Siebert et al. 2021/2024): coupled convex search on MIND-SSC, then Adam; package convexAdam."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from .....geometry.voxels import array_view
from ..problem import SPACING_MM, Problem


def register(problem: Problem, threads: int) -> sitk.Transform:
    """The package's own settings, on the CPU; its masks where the MR does not fill the grid."""
    import torch
    from convexAdam.convex_adam_MIND import convex_adam_pt

    torch.set_num_threads(threads)
    fixed, moving = (array_view(image).copy() for image in (problem.fixed, problem.moving))
    seen = problem.seen
    with tempfile.TemporaryDirectory() as folder:
        masks = {} if seen.all() else _masks(seen, Path(folder))
        voxels = convex_adam_pt(fixed, moving, dtype=torch.float32, device=torch.device("cpu"), **masks)
    return problem.transform(np.ascontiguousarray(voxels[..., ::-1]) * SPACING_MM)


def _masks(seen: NDArray[np.bool_], folder: Path) -> dict[str, Any]:
    """Arguments by which the package learns where the fixed image says something; the CT does everywhere."""
    import nibabel

    names = {"path_fixed_mask": seen, "path_moving_mask": np.ones_like(seen)}
    for name, mask in names.items():
        nibabel.save(nibabel.Nifti1Image(mask.astype(np.uint8), np.eye(4)), folder / f"{name}.nii.gz")
    return {"use_mask": True, **{name: str(folder / f"{name}.nii.gz") for name in names}}
