"""Reading the composite transform of a result in steps: MRML's own reader holds up a window for seconds.

Displacements stay in single precision, as in the file: half of the memory that MRML's reader takes.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from spine_ctmr.errors import InputError
from vtk.util.numpy_support import numpy_to_vtk

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0])
RIGID, FIELD = "Euler3DTransform", "DisplacementFieldTransform"
STEP_VALUES = 3_000_000
"""Displacements that are read in one step."""


def transform_steps(path: Path) -> Generator[None, None, slicer.vtkMRMLTransformNode]:
    """A node outside the scene whose from-parent is the composite of an ITK file, RAS mm.

    Raises:
        InputError: the file is missing or unreadable.
    """
    import h5py  # not part of Slicer: installed when the first registration is started

    whole = vtk.vtkGeneralTransform()
    try:
        with h5py.File(path) as file:
            groups = file["TransformGroup"]
            for number in range(1, len(groups)):  # the first is the composite itself
                whole.Concatenate((yield from _part_steps(groups[str(number)])))
    except (OSError, KeyError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        raise InputError(f"{path.name} of the results cannot be read; register again.") from error
    node = slicer.vtkMRMLTransformNode()
    node.SetAndObserveTransformFromParent(whole)
    return node


def _part_steps(group: Any) -> Generator[None, None, vtk.vtkAbstractTransform]:
    kind = group["TransformType"][0].decode().split("_")[0]
    fixed, values = group["TransformFixedParameters"][:], group["TransformParameters"]
    if kind == RIGID:
        return _rigid(fixed, values[:])
    if kind != FIELD:
        raise ValueError(f"a result has no {kind}")
    displacements = np.empty((len(values) // 3, 3), np.float32)
    flat = displacements.reshape(-1)
    for start in range(0, len(flat), STEP_VALUES):
        flat[start : start + STEP_VALUES] = values[start : start + STEP_VALUES]
        yield
    displacements[:, :2] *= -1
    return _grid(fixed, displacements)


def _rigid(fixed: NDArray[Any], values: NDArray[Any]) -> vtk.vtkTransform:
    """A rigid motion of ITK: centre and order of rotation; angles and shift."""
    import SimpleITK as sitk

    motion = sitk.Euler3DTransform()
    motion.SetFixedParameters(fixed.tolist())
    motion.SetParameters(values.tolist())
    shift = np.array(motion.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    for axis, unit in enumerate(np.eye(3)):
        matrix[:3, axis] = np.array(motion.TransformPoint(unit.tolist())) - shift
    matrix[:3, 3] = shift
    flip = np.diag([*np.diag(RAS_FROM_LPS), 1.0])
    linear = vtk.vtkTransform()
    linear.SetMatrix((flip @ matrix @ flip).ravel())
    return linear


def _grid(fixed: NDArray[Any], displacements: NDArray[Any]) -> slicer.vtkOrientedGridTransform:
    """A displacement field of ITK: size, origin, spacing and direction, then RAS mm for each voxel (n, 3)."""
    image = vtk.vtkImageData()
    image.SetDimensions(*(int(size) for size in fixed[:3]))
    if image.GetNumberOfPoints() != len(displacements):
        raise ValueError("the field's size is not that of its values")
    image.SetOrigin(*(RAS_FROM_LPS @ fixed[3:6]))
    image.SetSpacing(*fixed[6:9])
    image.GetPointData().SetScalars(numpy_to_vtk(displacements, deep=True))
    direction = np.eye(4)
    direction[:3, :3] = RAS_FROM_LPS @ fixed[9:18].reshape(3, 3)
    grid = slicer.vtkOrientedGridTransform()
    grid.SetGridDirectionMatrix(slicer.util.vtkMatrixFromArray(direction))
    grid.SetDisplacementGridData(image)
    grid.SetInterpolationModeToLinear()
    return grid
