"""ConvexAdam (Siebert et al. 2021/2024): coupled convex search on MIND-SSC, then Adam; package convexAdam."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from .....geometry.voxels import array_view
from ..problem import SPACING_MM, Problem


def register(problem: Problem, threads: int) -> sitk.Transform:
    """The package's own settings, on the CPU."""
    import torch
    from convexAdam.convex_adam_MIND import convex_adam_pt

    torch.set_num_threads(threads)
    fixed, moving = (array_view(image).copy() for image in (problem.fixed, problem.moving))
    voxels = convex_adam_pt(fixed, moving, dtype=torch.float32, device=torch.device("cpu"))
    return problem.transform(np.ascontiguousarray(voxels[..., ::-1]) * SPACING_MM)
