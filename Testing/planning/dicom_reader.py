"""An independent reading of DICOM registrations, after PS3.3 C.20.2.1.1 and C.20.3.1.1 alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy.ndimage import map_coordinates

Points = NDArray[np.float64]


def _matrix(item: Dataset) -> Points:
    return np.array([float(v) for v in item.FrameOfReferenceTransformationMatrix]).reshape(4, 4)


def _moved(matrix: Points, points: Points) -> Points:
    return np.c_[points, np.ones(len(points))] @ matrix[:3].T


def source_to_registered(data: Dataset, source_images: set[str], points: Points) -> Points:
    """Points (n, 3) of the referenced images in the registered frame."""
    for item in data.RegistrationSequence:
        if {i.ReferencedSOPInstanceUID for i in item.ReferencedImageSequence} == source_images:
            (registration,) = item.MatrixRegistrationSequence
            for step in registration.MatrixSequence:
                points = _moved(_matrix(step), points)
            return points
    raise AssertionError("no item refers to these images")


def registered_to_source(data: Dataset, points: Points) -> Points:
    """Points (n, 3) of the registered frame in the source frame; no displacement off the grid."""
    (item,) = data.DeformableRegistrationSequence
    (grid,) = item.DeformableRegistrationGridSequence
    row, column = np.reshape([float(v) for v in grid.ImageOrientationPatient], (2, 3))
    axes = np.stack([row, column, np.cross(row, column)]) * np.array(grid.GridResolution)[:, None]
    start = np.array([float(v) for v in grid.ImagePositionPatient])
    nx, ny, nz = grid.GridDimensions
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(nz, ny, nx, 3)
    before = _moved(_matrix(item.PreDeformationMatrixRegistrationSequence[0]), points)
    index = np.linalg.solve(axes.T, (points - start).T)[::-1]
    shift = [map_coordinates(vectors[..., c], index, order=1, cval=0.0) for c in range(3)]
    return _moved(_matrix(item.PostDeformationMatrixRegistrationSequence[0]), before + np.transpose(shift))
