"""What one registration starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

Centroids = dict[int, NDArray[np.float64]]
"""LPS mm points (3,) by VerSe vertebra number."""


@dataclass(frozen=True)
class VertebraLabels:
    """The vertebrae of a segmentation.

    Attributes:
        image: uint8 VerSe numbers on their own grid, LPS mm.
        scheme: how the labels were read, as `given_scheme` takes it; "auto" = by names that they bring.
        warnings: what was noticed, one sentence each.
    """

    image: sitk.Image
    scheme: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One patient's checked inputs, in the native frames of the images.

    Attributes:
        ct: scalar 3-D CT in HU with its original pixel type (moving image).
        mr: scalar 3-D MR with its original pixel type (fixed image).
        vertebrae: CT vertebra labels in the CT frame, uint8 VerSe numbers, on their own grid.
        mr_centroids: vertebral body centres in the MR, LPS mm by VerSe number, if known.
        mr_vertebrae: MR vertebra labels, uint8 VerSe numbers, on their own grid, if known.
        warnings: what the checks noticed, one sentence each.
        label: what the user calls it, without paths; "" for nothing.
        about: what the inputs say of themselves and how they were read, by name; no identity.
    """

    ct: sitk.Image
    mr: sitk.Image
    vertebrae: sitk.Image
    mr_centroids: Centroids | None = None
    mr_vertebrae: sitk.Image | None = None
    warnings: tuple[str, ...] = ()
    label: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
