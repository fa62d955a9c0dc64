"""Bring CT and MR onto the box on which they are matched."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter

from ..geometry.boxes import labels_in_box
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.voxels import array_view
from ..imaging.hounsfield import AIR_HU
from .matching import Scene

SLICE_PROFILE = 0.3
"""Standard deviation of a slice's profile after linear interpolation, in slice thicknesses."""


def make_scene(
    ct: sitk.Image,
    mr: sitk.Image,
    labels: sitk.Image,
    global_rigid: Pose,
    box: Grid,
) -> Scene:
    """Resample the case on an isotropic box of the MR frame whose third axis is the MR's slice normal.

    The CT is moved by the CT→MR `global_rigid` and averaged over the MR's slice thickness, so that both
    images show the same amount of detail.
    """
    reference = box.empty()
    back = global_rigid.inverse.to_sitk()
    mr_box = sitk.Resample(mr, reference, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    ct_box = sitk.Resample(ct, reference, back, sitk.sitkLinear, AIR_HU, sitk.sitkFloat32)
    ct_array = array_view(ct_box).copy()
    thickness = max(mr.GetSpacing())
    axis = 2 - int(np.argmax(np.abs(box.axes.T @ Grid.of(mr).axes[:, int(np.argmax(mr.GetSpacing()))])))
    if thickness > 1.5 * box.spacing_mm[0]:
        sigma = SLICE_PROFILE * thickness / box.spacing_mm[0]
        ct_array = gaussian_filter1d(ct_array, sigma, axis=axis, mode="nearest", truncate=2.5)
    mr_array = array_view(mr_box).copy()
    darkest = float(array_view(mr).min())
    return Scene(
        mr=torch.from_numpy(mr_array),
        ct=torch.from_numpy(np.clip(ct_array, -200, 1500)),
        mr_seen=torch.from_numpy(Grid.of(mr).covers(box) & ~_black(mr_array, darkest)),
        ct_seen=torch.from_numpy(Grid.of(ct).covers(box, global_rigid.inverse)),
        labels=labels_in_box(labels, global_rigid, box),
        spacing_mm=box.spacing_mm[0],
    )


def _black(mr: NDArray[Any], darkest: float) -> NDArray[np.bool_]:
    """Voxels (z, y, x) that have, with all their neighbours, no signal: a part of the MR got lost."""
    dark: NDArray[np.bool_] = maximum_filter(mr, 3) <= darkest
    return dark
