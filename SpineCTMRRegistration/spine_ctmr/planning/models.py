"""Smooth surface models of the vertebrae in MR space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.voxels import array_view

SMOOTHING_STEPS = 30
PASS_BAND = 0.02
"""Cut-off of the windowed sinc filter (Taubin et al. 1996), which removes the steps between voxels but not
volume: a rod of 3 mm radius in voxels of 0.9 x 1.1 x 2 mm loses 0.05 mm."""
HEADER = "SPACE=LPS; UNITS=mm; MR space; SpineCTMRRegistration; for research use"
"""At most 80 characters; 3D Slicer reads the space from an STL file's header."""


def require_vtk() -> None:
    """Load VTK, which only models need.

    Raises:
        InputError: it is not installed.
    """
    try:
        import vtk  # noqa: F401
    except ImportError as error:
        raise InputError(
            "Models need the Python package 'vtk', which is not installed; "
            "install it with `pip install vtk`, or leave --models out."
        ) from error


def vertebra_surface(labels: sitk.Image, number: int, pose: Pose) -> Any:
    """The closed surface of one CT label, moved into the MR.

    Args:
        labels: VerSe numbers on a grid in the CT.
        number: the label.
        pose: CT→MR.

    Returns:
        A `vtkPolyData` of triangles in LPS mm with outward normals.
    """
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    mask, grid = _cropped_mask(labels, number)
    surface = _smooth_surface(mask)
    in_own_frame = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    in_mr = pose.apply(in_own_frame @ grid.axes.T + grid.origin_mm)
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(in_mr.astype(np.float32), deep=True))
    surface.SetPoints(points)
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputData(surface)
    normals.SetAutoOrientNormals(True)
    normals.SplittingOff()
    normals.Update()
    return normals.GetOutput()


def write_model(surface: Any, path: Path) -> None:
    """Write a surface as `.stl` or `.vtp`, with its frame and unit in the header."""
    import vtk

    if path.suffix == ".stl":
        writer = vtk.vtkSTLWriter()
        writer.SetHeader(HEADER)
        writer.SetFileTypeToBinary()
    else:
        for name, value in (("SPACE", "LPS"), ("UNITS", "mm"), ("NOTE", HEADER)):
            text = vtk.vtkStringArray()
            text.SetName(name)
            text.InsertNextValue(value)
            surface.GetFieldData().AddArray(text)
        writer = vtk.vtkXMLPolyDataWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(surface)
    if not writer.Write():
        raise OSError(f"{path.name} cannot be written")


def _cropped_mask(labels: sitk.Image, number: int) -> tuple[sitk.Image, Grid]:
    """The label as 0 and 1 in its box with an empty border, so that the surface closes."""
    mask = sitk.Cast(labels == number, sitk.sitkUInt8)
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(mask)
    box = statistics.GetBoundingBox(1)
    cropped = sitk.ConstantPad(sitk.RegionOfInterest(mask, box[3:], box[:3]), (1, 1, 1), (1, 1, 1))
    return cropped, Grid.of(cropped)


def _smooth_surface(mask: sitk.Image) -> Any:
    """The boundary of a mask in mm along its own axes, from its first voxel."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    image = vtk.vtkImageData()
    image.SetDimensions(mask.GetSize())
    image.SetSpacing(mask.GetSpacing())
    image.GetPointData().SetScalars(numpy_to_vtk(array_view(mask).copy().ravel(), deep=True))
    edges = vtk.vtkDiscreteFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 1)
    edges.ComputeNormalsOff()
    edges.ComputeScalarsOff()
    smoother = vtk.vtkWindowedSincPolyDataFilter()
    smoother.SetInputConnection(edges.GetOutputPort())
    smoother.SetNumberOfIterations(SMOOTHING_STEPS)
    smoother.SetPassBand(PASS_BAND)
    smoother.BoundarySmoothingOff()
    smoother.NonManifoldSmoothingOn()
    smoother.NormalizeCoordinatesOn()
    smoother.Update()
    return smoother.GetOutput()
