"""Images and labels carried through a deformation, each onto the other image's grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry.grid import Grid
from ..geometry.jacobian import determinant_at, jacobian_determinant
from ..geometry.pose import Pose
from ..geometry.transforms import Displacement, resampled
from ..geometry.voxels import array_view
from ..imaging.hounsfield import OUTSIDE_HU
from .deformation import Deformation


def carried(image: sitk.Image, motion: Pose) -> sitk.Image:
    """An image moved rigidly: the same voxels on a moved grid, nothing is resampled."""
    grid = Grid.of(image).moved(motion)
    result = sitk.Image(image)
    result.SetOrigin(grid.origin_mm)
    result.SetDirection(grid.direction)
    return result


def ct_in_mr(ct: sitk.Image, mr: sitk.Image, deformation: Deformation) -> sitk.Image:
    """The CT on the MR's grid, in its own pixel type; air outside the CT's field of view."""
    moved = carried(ct, deformation.global_rigid)
    return _resampled(moved, Grid.of(mr), deformation.mr_to_ct_displacement, _air(ct))


def mr_in_ct(ct: sitk.Image, mr: sitk.Image, deformation: Deformation) -> sitk.Image:
    """The MR on the CT's grid, in its own pixel type; 0 outside the MR's field of view.

    Only the part of the CT's grid that the MR can reach is resampled.
    """
    grid = Grid.of(ct)
    edges = deformation.global_rigid.inverse.apply(Grid.of(mr).corners())
    furthest = max(float(np.abs(deformation.ct_to_mr_field).max()), 1.0)
    index = grid.to_indices(edges)
    margin = 2 + furthest / np.asarray(grid.spacing_mm)
    low = np.clip(np.floor(index.min(0) - margin), 0, np.asarray(grid.size)).astype(int)
    high = np.clip(np.ceil(index.max(0) + margin), 0, np.asarray(grid.size)).astype(int)
    result = grid.empty(mr.GetPixelID())
    if np.any(high <= low):
        return result
    moved_grid = grid.crop(low, high - low).moved(deformation.global_rigid)
    part = _resampled(mr, moved_grid, deformation.ct_to_mr_displacement, 0.0)
    return sitk.Paste(result, part, part.GetSize(), destinationIndex=[int(v) for v in low])


def vertebrae_in_mr(labels: sitk.Image, mr: sitk.Image, poses: Mapping[int, Pose]) -> sitk.Image:
    """CT vertebra labels on the MR's grid, each moved by its own rigid CT→MR pose, uint8."""
    grid, source = Grid.of(mr), Grid.of(labels)
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(labels)
    result = np.zeros(grid.shape, np.uint8)
    best = np.full(grid.shape, 0.5, np.float32)
    for number, pose in poses.items():
        box = statistics.GetBoundingBox(number)
        start = [max(v - 2, 0) for v in box[:3]]
        size = [
            min(v + n + 2, m) - s for v, n, m, s in zip(box[:3], box[3:], source.size, start, strict=True)
        ]
        mask = sitk.Cast(sitk.RegionOfInterest(labels, size, start) == number, sitk.sitkFloat32)
        index = grid.to_indices(pose.apply(Grid.of(mask).corners()))
        low = np.clip(np.floor(index.min(0)), 0, np.asarray(grid.size)).astype(int)
        high = np.clip(np.ceil(index.max(0)) + 1, 0, np.asarray(grid.size)).astype(int)
        if np.any(high <= low):
            continue
        reference = grid.crop(low, high - low).empty()
        back = pose.inverse.to_sitk()
        share = array_view(sitk.Resample(mask, reference, back, sitk.sitkLinear, 0.0)).copy()
        here = tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))
        inside = share >= best[here]
        result[here][inside] = number
        best[here][inside] = share[inside]
    return grid.image(result)


def labels_in_mr(labels: sitk.Image, mr: sitk.Image, deformation: Deformation) -> sitk.Image:
    """CT vertebra labels on the MR's grid as the deformation bends them, uint8."""
    grid, moved = Grid.of(mr), carried(labels, deformation.global_rigid)
    displacement = deformation.mr_to_ct_displacement
    return grid.image(resampled(moved, grid, displacement, 0.0, sitk.sitkLabelLinear, sitk.sitkUInt8))


def jacobian_on_mr(
    determinant: NDArray[Any], deformation: Deformation, labels_in_mr: sitk.Image
) -> sitk.Image:
    """The determinant of `mr_to_ct` on the MR's grid, float32; 1 outside the box.

    In bone it is that of the stored transform at the voxel itself, so that it shows where a bone is not
    exactly rigid and nowhere else; elsewhere it is interpolated between the nodes.

    Args:
        determinant: (z, y, x) at the nodes of the deformation's box.
        deformation: whose transform is shown.
        labels_in_mr: vertebra numbers on the MR's grid.
    """
    grid, box = Grid.of(labels_in_mr), deformation.box
    image = sitk.Resample(box.image(determinant), grid.empty(), sitk.Transform(), sitk.sitkLinear, 1.0)
    values = array_view(image).copy()
    bone = array_view(labels_in_mr) > 0
    points = grid.to_points(np.argwhere(bone)[:, ::-1])
    values[bone] = determinant_at(deformation.mr_to_ct_field, box, points)
    return grid.image(values)


def _air(ct: sitk.Image) -> float:
    """Fill value outside the CT: air, or the smallest value that the pixel type can hold."""
    if "unsigned" in ct.GetPixelIDTypeAsString():
        return 0.0
    return OUTSIDE_HU


def _resampled(image: sitk.Image, grid: Grid, displacement: Displacement, fill: float) -> sitk.Image:
    """Linear resampling in the image's pixel type that rounds integers instead of truncating them."""
    if image.GetPixelID() in (sitk.sitkFloat32, sitk.sitkFloat64):
        return grid.image(resampled(image, grid, displacement, fill, pixel=image.GetPixelID()))
    values = resampled(image, grid, displacement, fill)
    return grid.image(np.rint(values, out=values).astype(array_view(image).dtype))


def deformation_determinant(deformation: Deformation) -> NDArray[np.float32]:
    """det J (z, y, x) of `mr_to_ct` at the nodes of a deformation's box, by central differences."""
    return jacobian_determinant(deformation.mr_to_ct_field, deformation.box)
