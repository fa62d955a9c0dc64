"""Bring what belongs to the CT to the MR: points, models, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.transforms import map_points
from ..geometry.voxels import array_view
from ..results.registered import Registered

if TYPE_CHECKING:
    import vtk

    Model = TypeVar("Model", bound=vtk.vtkPointSet)

NORMALS = "Normals"


def move_points(
    registration: Registered, points: ArrayLike, vertebra: str | None = None
) -> NDArray[np.float64]:
    """Points of the CT where they are in the MR.

    Args:
        registration: what was registered.
        points: LPS mm, (n, 3), in the CT.
        vertebra: such as "L3", to move exactly rigidly with that bone; None to move with the tissue.

    Returns:
        LPS mm, (n, 3), in the MR.

    Raises:
        InputError: the points are no numbers or not (n, 3), or the vertebra was not registered.
    """
    try:
        array = np.asarray(points, float)
    except (TypeError, ValueError) as error:
        raise InputError("The points are not all three numbers; give (n, 3), LPS mm.") from error
    if array.ndim != 2 or array.shape[1] != 3:
        raise InputError(f"The points have the shape {array.shape}; give (n, 3), LPS mm.")
    if vertebra is None:
        return map_points(registration.ct_to_mr, array)
    return _pose(registration, vertebra).apply(array)


def move_model(registration: Registered, model: Model, vertebra: str | None = None) -> Model:
    """A VTK model of the CT where it is in the MR; the given one is not changed.

    Args:
        registration: what was registered.
        model: points in LPS mm, in the CT. Normals are left out of the result, because they would be wrong.
        vertebra: such as "L3", to move exactly rigidly with that bone; None to move with the tissue.

    Raises:
        InputError: the model is none of VTK's with points, or the vertebra was not registered.
    """
    from vtk import vtkPoints, vtkPointSet
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    if not isinstance(model, vtkPointSet):
        raise InputError(f"The model is a {type(model).__name__}; give one of VTK's with points.")
    moved = model.NewInstance()
    moved.DeepCopy(model)
    moved.GetPointData().RemoveArray(NORMALS)
    moved.GetCellData().RemoveArray(NORMALS)
    if model.GetNumberOfPoints():
        places = move_points(registration, vtk_to_numpy(model.GetPoints().GetData()), vertebra)
        points = vtkPoints()
        points.SetDataType(model.GetPoints().GetDataType())
        points.SetData(numpy_to_vtk(places, deep=True))
        moved.SetPoints(points)
    return moved


def move_labels(registration: Registered, labels: sitk.Image, vertebra: str | None = None) -> sitk.Image:
    """Labels of the CT on the MR's grid, in their own pixel type; 0 where there are none.

    Args:
        registration: what was registered.
        labels: integer label map on any grid in the CT.
        vertebra: such as "L3", to move exactly rigidly with that bone; None to move with the tissue.

    Raises:
        InputError: the labels are no image, not 3-D or not whole numbers, or the vertebra was not registered.
    """
    if not isinstance(labels, sitk.Image) or labels.GetDimension() != 3:
        raise InputError("The labels are no 3-D image; give a SimpleITK image of three dimensions.")
    whole = np.issubdtype(array_view(labels).dtype, np.integer)
    if not whole or labels.GetNumberOfComponentsPerPixel() != 1:
        raise InputError("The labels are not whole numbers, one per voxel; cast them to an integer type.")
    to_ct = registration.mr_to_ct if vertebra is None else _pose(registration, vertebra).inverse.to_sitk()
    onto = Grid.of(registration.vertebrae_in_mr).empty()
    return sitk.Resample(labels, onto, to_ct, sitk.sitkLabelLinear, 0.0, labels.GetPixelID())


def _pose(registration: Registered, vertebra: str) -> Pose:
    poses = registration.poses
    if vertebra not in poses:
        raise InputError(f"The vertebra '{vertebra}' was not registered; choose one of {', '.join(poses)}.")
    return poses[vertebra]
