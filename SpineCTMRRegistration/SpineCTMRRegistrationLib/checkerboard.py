"""Squares of the CT over the MR: a volume on the MR's grid that is empty in every other box."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from .nodes import copy_window, matrix_to_world

BOX_MM = 20.0
EMPTY_HU, LEAST_DRAWN_HU = -20_000, -1100
"""What an empty voxel holds, and the least that is drawn: what a view interpolates between empty and full
voxels lies below it, almost up to the border of a box."""


def fill_checkerboard(
    node: slicer.vtkMRMLScalarVolumeNode,
    ct: slicer.vtkMRMLScalarVolumeNode,
    ijk_to_world: NDArray[Any],
    transform: slicer.vtkMRMLTransformNode | None,
    mr: slicer.vtkMRMLScalarVolumeNode,
) -> None:
    """Fill a volume with every other box of 20 mm of the CT, on the grid of the MR.

    Args:
        node: to fill; it looks like the CT.
        ct: whose voxels are drawn.
        ijk_to_world: where they are (4, 4), RAS mm, before `transform`.
        transform: moves them to the MR; None if they are there already.
        mr: whose grid is taken, in world coordinates.

    Raises:
        InputError: the MR is under a non-linear transform.
    """
    grid = vtk.vtkMatrix4x4()
    mr.GetIJKToRASMatrix(grid)
    mr_to_world = slicer.util.arrayFromVTKMatrix(matrix_to_world(mr)) @ slicer.util.arrayFromVTKMatrix(grid)
    image = _resliced(ct, mr_to_world, ijk_to_world, transform, mr.GetImageData().GetDimensions())
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(mr_to_world))
    node.SetAndObserveImageData(_every_other_box(image, np.linalg.norm(mr_to_world[:3, :3], axis=0)))
    node.SetAndObserveTransformNodeID(None)
    copy_window(ct, node)
    display = node.GetScalarVolumeDisplayNode()
    display.SetApplyThreshold(True)
    display.SetAutoThreshold(False)
    display.SetThreshold(LEAST_DRAWN_HU, 1e6)


def _resliced(
    ct: slicer.vtkMRMLScalarVolumeNode,
    mr_to_world: NDArray[Any],
    ijk_to_world: NDArray[Any],
    transform: slicer.vtkMRMLTransformNode | None,
    size: tuple[int, int, int],
) -> vtk.vtkImageData:
    """The CT at the voxels of the MR, by linear interpolation."""
    motion = vtk.vtkGeneralTransform()
    motion.PostMultiply()
    motion.Concatenate(slicer.util.vtkMatrixFromArray(mr_to_world))
    if transform is not None:
        from_world = vtk.vtkGeneralTransform()
        transform.GetTransformFromWorld(from_world)
        motion.Concatenate(from_world)
    motion.Concatenate(slicer.util.vtkMatrixFromArray(np.linalg.inv(ijk_to_world)))
    reslice = vtk.vtkImageReslice()
    reslice.SetInputData(ct.GetImageData())
    reslice.SetResliceTransform(motion)
    reslice.SetInterpolationModeToLinear()
    reslice.SetBackgroundLevel(EMPTY_HU)
    reslice.SetOutputOrigin(0, 0, 0)
    reslice.SetOutputSpacing(1, 1, 1)
    reslice.SetOutputExtent(0, size[0] - 1, 0, size[1] - 1, 0, size[2] - 1)
    reslice.Update()
    return reslice.GetOutput()


def _every_other_box(image: vtk.vtkImageData, spacing_mm: NDArray[Any]) -> vtk.vtkImageData:
    size = image.GetDimensions()
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(size[::-1])
    boxes = [np.arange(n) * step // BOX_MM for n, step in zip(size, spacing_mm, strict=True)]
    kept = (boxes[0] + boxes[1][:, None] + boxes[2][:, None, None]) % 2 == 0
    kind = np.int16 if np.issubdtype(voxels.dtype, np.integer) else voxels.dtype
    boxed = np.where(kept, voxels, EMPTY_HU).astype(kind)
    result = vtk.vtkImageData()
    result.SetDimensions(size)
    result.GetPointData().SetScalars(numpy_to_vtk(boxed.ravel(), deep=True))
    return result
