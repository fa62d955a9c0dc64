"""elastix with B-splines, by the package itk-elastix."""

from __future__ import annotations

import SimpleITK as sitk

from .....geometry.voxels import array_view
from ...elastix import MUTUAL_INFORMATION, RIGIDITY_PENALTY, Settings, elastix_displacement
from ..problem import SPACING_MM, Problem


def bspline(problem: Problem, threads: int) -> sitk.Transform:
    """Mutual information alone."""
    return _register(problem, threads, MUTUAL_INFORMATION, rigid_bone=False)


def rigidity(problem: Problem, threads: int) -> sitk.Transform:
    """With the rigidity penalty of Staring et al. 2007 in the bones of the CT."""
    return _register(problem, threads, RIGIDITY_PENALTY, rigid_bone=True)


def _register(problem: Problem, threads: int, settings: Settings, rigid_bone: bool) -> sitk.Transform:
    fixed, moving, labels = (
        array_view(image).copy() for image in (problem.fixed, problem.moving, problem.labels)
    )
    bone = labels > 0 if rigid_bone else None
    displacement, _ = elastix_displacement(fixed, moving, SPACING_MM, settings, threads, bone, problem.seen)
    return problem.transform(displacement)
