"""Points and grids in LPS and RAS, and what SimpleITK makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from spine_ctmr.geometry.grid import Grid

from .conftest import MR_PARENT, Patient

LPS = np.array([-1.0, -1.0, 1.0])
"""Takes RAS to LPS and back."""


def through(transform: vtk.vtkAbstractTransform, points: np.ndarray) -> np.ndarray:
    return np.array([transform.TransformDoublePoint(point) for point in points])


def sitk_through(path: Path, points_ras: np.ndarray) -> np.ndarray:
    """RAS points moved by an ITK transform file, again in RAS."""
    transform = sitk.ReadTransform(str(path))
    return np.array([transform.TransformPoint(p) for p in (points_ras * LPS).tolist()]) * LPS


def world(parent: np.ndarray, points_lps: np.ndarray) -> np.ndarray:
    """Phantom points, LPS, where the parent transform puts them, RAS."""
    return np.c_[points_lps * LPS, np.ones(len(points_lps))] @ parent[:3].T


def bone(patient: Patient, number: int, every: int = 40) -> np.ndarray:
    """Points of a CT vertebra, one of `every` voxels, LPS of the phantom."""
    labels = patient.phantom.case.vertebrae
    voxels = np.argwhere(sitk.GetArrayViewFromImage(labels) == number)[::every, ::-1]
    return Grid.of(labels).to_points(voxels)


def mr_points(patient: Patient) -> np.ndarray:
    """Points all over the MR, RAS world."""
    size = patient.phantom.case.mr.GetSize()
    indices = np.random.default_rng(1).uniform(0, size, (300, 3))
    return world(MR_PARENT, Grid.of(patient.phantom.case.mr).to_points(indices))


def grid_of(volume: slicer.vtkMRMLScalarVolumeNode) -> Grid:
    """The LPS grid of a volume node without parent."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    to_lps = np.diag([-1, -1, 1, 1]) @ slicer.util.arrayFromVTKMatrix(matrix)
    spacing = np.linalg.norm(to_lps[:3, :3], axis=0)
    direction = (to_lps[:3, :3] / spacing).ravel()
    return Grid(volume.GetImageData().GetDimensions(), tuple(spacing), tuple(to_lps[:3, 3]), tuple(direction))
