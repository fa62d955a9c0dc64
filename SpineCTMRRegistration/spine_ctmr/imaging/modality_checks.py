"""Is the CT a CT in Hounsfield units, and is it the right one of the two images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Points
from .image_checks import sample, values_at

_LOWEST_HU = -1100
"""Nothing is less dense than air: what is lower stands for nothing, in an MR as in a CT."""
_AIR_HU = -200
_CT_RANGE_HU = 300
_BONE_HU = (0, 2000)
_DARK_BONE_HU = 80
_SOFT_HU, _SOFT_SHARE = 150, 0.25
"""Water and fat lie between, and more than this share of a CT; CTs of the spine have 0.5 and more."""
_LEAST_SOFT = 0.05
"""A CT with less is doubted: much air around a thin patient leaves several times as much."""
_OFFSET_BONE = 700
"""Median of bone above which values that are never negative carry an offset of about 1000."""


@dataclass(frozen=True)
class Values:
    """Robust minimum and maximum of an image, its median inside the bone, if any, and its share near 0."""

    low: float
    high: float
    bone: float | None
    soft: float

    @property
    def has_air(self) -> bool:
        """Whether the image reaches values as low as air, lung or gas in HU."""
        return self.low < _AIR_HU

    @property
    def can_be_ct(self) -> bool:
        """Whether these can be HU; a CT cropped inside the body has no air and still passes."""
        if self.bone is not None and not _BONE_HU[0] <= self.bone <= _BONE_HU[1]:
            return False
        offset = self.low >= 0 and (self.bone or 0) > _OFFSET_BONE
        return self.high - self.low > _CT_RANGE_HU and not offset


def measure(image: sitk.Image, bone_points: Points) -> Values:
    """Values of `image` without its padding, with bone taken at LPS mm `bone_points` (n, 3)."""
    values = sample(image)
    inner = values[values >= _LOWEST_HU]
    values = inner if inner.size else values
    low, high = np.percentile(values, [0.1, 99.9])
    bone = values_at(image, bone_points)
    soft = float(np.mean(np.abs(values) < _SOFT_HU))
    return Values(float(low), float(high), float(np.median(bone)) if len(bone) else None, soft)


def check_modalities(
    ct: sitk.Image, mr: sitk.Image, bone_points: Points, ct_name: str, mr_name: str
) -> tuple[str, ...]:
    """Warnings about the intensities; `bone_points` (n, 3) are LPS mm of the CT's vertebra labels.

    Raises:
        InputError: one image given twice, CT and MR swapped, or the CT not in HU.
    """
    if _identical(ct, mr):
        raise InputError(f"{ct_name} and {mr_name} are the same image; give one CT and one MR.")
    in_ct, in_mr = measure(ct, bone_points), measure(mr, bone_points)
    if in_mr.has_air and in_mr.can_be_ct and not (in_ct.has_air and in_ct.can_be_ct):
        raise InputError(
            f"{ct_name} does not look like a CT, but {mr_name} does; exchange the two, they seem swapped."
        )
    if in_mr.has_air and in_mr.can_be_ct and in_mr.soft > _SOFT_SHARE:
        raise InputError(f"{mr_name} is a CT (its values are Hounsfield units); give the MR.")
    if not in_ct.can_be_ct:
        raise InputError(_why_not(in_ct, ct_name))
    warnings = []
    if in_ct.low >= 0:
        warnings.append(f"{ct_name} has no negative values; make sure that it is in Hounsfield units.")
    elif in_ct.soft < _LEAST_SOFT:
        warnings.append(
            f"{ct_name} has hardly any values of soft tissue ({-_SOFT_HU} to {_SOFT_HU} HU); make sure that "
            "it is in Hounsfield units."
        )
    if in_ct.bone is not None and in_ct.bone < _DARK_BONE_HU:
        warnings.append(
            f"{ct_name} is dark inside the vertebra labels (median {in_ct.bone:.0f} HU);"
            " check that the labels belong to it."
        )
    if in_mr.has_air and in_mr.can_be_ct:
        warnings.append(f"{mr_name} has values like a CT; make sure that it is the MR.")
    return tuple(warnings)


def _why_not(values: Values, name: str) -> str:
    found = f"{values.low:.4g} to {values.high:.4g}"
    if values.has_air and values.bone is not None and values.bone < _BONE_HU[0]:
        return (
            f"{name} has a median of {values.bone:.0f} HU inside the vertebra labels, which is not bone;"
            " give the labels that belong to this CT."
        )
    if values.bone is not None and values.bone > _OFFSET_BONE and values.low >= 0:
        return (
            f"{name} is not in Hounsfield units (values {found}, bone {values.bone:.0f}: the rescale"
            " intercept seems missing); convert it again from DICOM."
        )
    return (
        f"{name} is not in Hounsfield units (values {found}); give the original CT, not a windowed or"
        " normalised copy."
    )


def _identical(first: sitk.Image, second: sitk.Image) -> bool:
    """Whether two images have the same voxels, wherever they lie."""
    if first.GetSize() != second.GetSize():
        return False
    return bool(np.array_equal(sample(first), sample(second)))
