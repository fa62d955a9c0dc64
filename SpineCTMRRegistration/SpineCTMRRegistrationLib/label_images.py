"""Label maps with a place in the world, cropped to one bone."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from .whole_labels import whole_labels

MARGIN_VOXELS = 1
"""Around a cropped bone, so that its surface is closed."""


def oriented_image(
    volume: slicer.vtkMRMLScalarVolumeNode, to_world: NDArray[Any]
) -> slicer.vtkOrientedImageData:
    """A volume's labels, not copied if they are integers, under a transform (4, 4) to RAS mm of the world.

    Raises:
        InputError: a voxel is not a whole number.
    """
    image, matrix = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
    image.ShallowCopy(volume.GetImageData())
    if image.GetScalarType() in (vtk.VTK_FLOAT, vtk.VTK_DOUBLE):
        image.GetPointData().SetScalars(numpy_to_vtk(whole_labels(volume).ravel(), deep=True))
    volume.GetIJKToRASMatrix(matrix)
    placed = to_world @ slicer.util.arrayFromVTKMatrix(matrix)
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(placed))
    return image


def move_image(image: slicer.vtkOrientedImageData, motion: NDArray[Any]) -> None:
    """Move an image, not its voxels, by a motion (4, 4), RAS mm."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    moved = motion @ slicer.util.arrayFromVTKMatrix(matrix)
    image.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(moved))


def label_image(image: slicer.vtkOrientedImageData, label: int | None) -> slicer.vtkOrientedImageData:
    """1 where `image` has a label (any, if None), 0 around; cropped: a whole body is too large to copy."""
    low, voxels = _cropped(image, label)
    cropped, matrix = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    depth, height, width = voxels.shape
    first_i, first_j, first_k = (int(first) for first in low[::-1])
    cropped.SetExtent(
        *(first_i, first_i + width - 1, first_j, first_j + height - 1, first_k, first_k + depth - 1)
    )
    cropped.SetGeometryFromImageToWorldMatrix(matrix)
    cropped.GetPointData().SetScalars(numpy_to_vtk(voxels.astype(np.uint8).ravel(), deep=True))
    return cropped


def voxel_centers(image: slicer.vtkOrientedImageData) -> NDArray[Any]:
    """The points (n, 3), RAS mm, of an image's voxels that are not 0."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    to_world = slicer.util.arrayFromVTKMatrix(matrix)
    first = np.array(image.GetExtent()[::2])
    ijk = np.argwhere(_array(image))[:, ::-1] + first
    return ijk @ to_world[:3, :3].T + to_world[:3, 3]


def _cropped(image: slicer.vtkOrientedImageData, label: int | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """First voxel (k, j, i) in the image's extent, and a mask (z, y, x) with a margin of zeros."""
    array = _array(image)
    mask = array != 0 if label is None else array == label
    first = np.array(image.GetExtent()[::2][::-1])
    ranges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(mask.any(axis=others))
        ranges.append((used[0], used[-1] + 1) if len(used) else (0, 1))
    low = np.array([start for start, _ in ranges])
    inner = mask[tuple(slice(*ends) for ends in ranges)]
    return first + low - MARGIN_VOXELS, np.pad(inner, MARGIN_VOXELS)


def _array(image: slicer.vtkOrientedImageData) -> NDArray[Any]:
    """The voxels (z, y, x)."""
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
