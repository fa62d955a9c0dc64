"""The images of the viewer: everything around the spine on one grid, a byte a voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from ..deformation.deformation import Deformation
from ..deformation.warping import carried, vertebrae_in_mr
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.transforms import resampled
from ..geometry.voxels import array_view
from ..imaging.case import Case
from ..imaging.hounsfield import OUTSIDE_HU
from .drawing import grey_range
from .jacobian_colors import JACOBIAN_RANGE

Bytes = NDArray[np.uint8]

MARGIN_MM = 15.0
"""Tissue shown around the vertebrae, as far as the MR reaches."""
FINEST_MM = 0.8
HU_RANGE = (-250.0, 1025.0)
"""CT values of the bytes 0 and 255: steps of 5 HU, and both windows lie inside. Byte 0 is outside the CT."""
MR_LEVELS, JACOBIAN_LEVELS = 128, 65
"""Distinct values: what the eye tells apart; more would make the file larger with noise. Odd: 1 is kept."""


@dataclass(frozen=True)
class ViewerImages:
    """What the viewer shows, all arrays (z, y, x).

    Attributes:
        grid: isotropic, in the MR frame, along the axes of the MR: right, anterior, superior.
        mr: grey as in the report, 0 black to 255 white.
        ct: the registered CT; 1 to 255 as in `HU_RANGE`, 0 where it shows nothing.
        ct_before: the CT at the rigid start, likewise.
        volume_change: binary logarithm of det J of `mr_to_ct`; 1, 128 and 255 are -1, 0 and 1; 0 is a fold.
        vertebrae: VerSe numbers of the moved vertebrae.
        vertebrae_before: the same at the rigid start.
    """

    grid: Grid
    mr: Bytes
    ct: Bytes
    ct_before: Bytes
    volume_change: Bytes
    vertebrae: Bytes
    vertebrae_before: Bytes


def viewer_images(
    case: Case,
    deformation: Deformation,
    start: Pose,
    determinant: NDArray[Any],
    labels_in_mr: sitk.Image,
    most_voxels: float,
) -> ViewerImages:
    """Sample everything that the viewer shows.

    Args:
        case: the inputs.
        deformation: the registration's answer.
        start: CT→MR motion that it started from.
        determinant: det J (z, y, x) of `mr_to_ct` at the nodes of the deformation's box.
        labels_in_mr: moved vertebrae on the MR's grid.
        most_voxels: the spacing becomes as fine as this allows.
    """
    grid = spine_grid(labels_in_mr, most_voxels)
    reference = grid.empty()

    def sampled(image: sitk.Image, transform: sitk.Transform, fill: float) -> NDArray[Any]:
        onto = sitk.Resample(image, reference, transform, sitk.sitkLinear, fill, sitk.sitkFloat32)
        return array_view(onto).copy()

    identity, to_ct_before = sitk.Transform(), start.inverse.to_sitk()
    mr = sampled(case.mr, identity, 0.0)
    moved = carried(case.ct, deformation.global_rigid)
    ct = resampled(moved, grid, deformation.mr_to_ct_displacement, OUTSIDE_HU)
    before = sitk.Resample(carried(case.vertebrae, start), reference, identity, sitk.sitkNearestNeighbor, 0)
    return ViewerImages(
        grid=grid,
        mr=as_bytes(mr, grey_range(mr), MR_LEVELS),
        ct=_ct_bytes(ct),
        ct_before=_ct_bytes(sampled(case.ct, to_ct_before, OUTSIDE_HU)),
        volume_change=_volume_bytes(sampled(deformation.box.image(determinant), identity, 1.0)),
        vertebrae=array_view(vertebrae_in_mr(case.vertebrae, reference, deformation.poses)).copy(),
        vertebrae_before=array_view(before).copy(),
    )


def spine_grid(labels_in_mr: sitk.Image, most_voxels: float) -> Grid:
    """The grid around the vertebrae, or around the whole MR where it shows none.

    Args:
        labels_in_mr: vertebra numbers on the MR's grid.
        most_voxels: the spacing becomes as fine as this and `FINEST_MM` allow.
    """
    ordered = sitk.DICOMOrient(labels_in_mr, "RAS")
    mr = Grid.of(ordered)
    bones = ndimage.find_objects((array_view(ordered) > 0).astype(np.uint8))
    region = bones[0] if bones else tuple(slice(0, n) for n in mr.shape)
    margin = MARGIN_MM / np.asarray(mr.spacing_mm) if bones else np.zeros(3)
    low = np.maximum([side.start for side in region[::-1]] - margin, 0) - 0.5
    high = np.minimum([side.stop for side in region[::-1]] + margin, mr.size) - 0.5
    size_mm = (high - low) * mr.spacing_mm
    step = max(FINEST_MM, float(np.cbrt(size_mm.prod() / most_voxels)))
    return Grid.around(mr.to_points([low, high]), step, -step / 2, mr.axes)


def _ct_bytes(values: NDArray[Any]) -> Bytes:
    """HU as the bytes of `ViewerImages.ct`; `values` are overwritten."""
    scanned = values > OUTSIDE_HU
    return np.maximum(as_bytes(values, HU_RANGE), 1) * scanned


def _volume_bytes(determinant: NDArray[Any]) -> Bytes:
    """det J as the bytes of `ViewerImages.volume_change`."""
    octaves = np.log2(np.clip(determinant, *JACOBIAN_RANGE))
    return np.maximum(as_bytes(octaves, (-1.0, 1.0), JACOBIAN_LEVELS), 1) * (determinant > 0)


def as_bytes(values: NDArray[Any], ends: tuple[float, float], levels: int = 256) -> Bytes:
    """`values` between two ends as bytes 0 to 255, of which `levels` are used; `values` are overwritten."""
    low, high = ends
    values -= low
    values *= (levels - 1) / (high - low)
    np.clip(values, 0, levels - 1, out=values)
    values += 0.5
    return np.rint(np.linspace(0, 255, levels)).astype(np.uint8)[values.astype(np.uint8)]
