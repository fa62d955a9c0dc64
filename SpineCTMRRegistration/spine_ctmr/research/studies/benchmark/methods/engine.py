"""This project's registration, from the images as they were scanned."""

from __future__ import annotations

import SimpleITK as sitk

from .....choices import Quality
from .....options import RegistrationOptions
from .....registration import register
from ..problem import Problem


def standard(problem: Problem, threads: int) -> sitk.Transform:
    """Quality "standard"."""
    return _register(problem, threads, "standard")


def fast(problem: Problem, threads: int) -> sitk.Transform:
    """Quality "fast"."""
    return _register(problem, threads, "fast")


def _register(problem: Problem, threads: int, quality: Quality) -> sitk.Transform:
    options = RegistrationOptions(quality=quality, device="cpu", threads=threads)
    return register(problem.case, options).deformation.mr_to_ct()
