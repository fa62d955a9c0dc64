"""DICOM Deformable Spatial Registration: a grid of vectors and a rigid motion (PS3.3 A.39.2, C.20.3)."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import DeformableSpatialRegistrationStorage
from pydicom.valuerep import format_number_as_ds

from ..geometry.pose import Pose
from .grid_motion import GridMotion
from .instances import NewSeries, code_item, image_references, new_instance, refer_to
from .sources import Source
from .spatial_registration import describe_content, rigid_matrix_item


def deformable_registration(
    moving: Source,
    fixed: Source,
    motion: GridMotion,
    series: NewSeries,
    number: int,
    label: str,
    description: str,
) -> Dataset:
    """The map that samples `moving` on the frame of reference of `fixed`.

    A rigid registration moves points from the moving to the fixed frame, a deformable one the other
    way: C.20.3.1.1 maps a point of the registered frame by `post(pre(p) + D(p))` to the source frame.

    Args:
        moving: the source: the series to be sampled.
        fixed: the series in whose frame of reference the grid lies.
        motion: from a point in `fixed` to the point in `moving` showing the same tissue.
        series: where the object belongs.
        number: its Instance Number.
        label: its Content Label: at most 16 capitals, digits, spaces and underscores.
        description: its Content Description: at most 64 characters.
    """
    instance = new_instance(DeformableSpatialRegistrationStorage, series, number, fixed, (moving, fixed))
    describe_content(instance, label, description)
    item = Dataset()
    item.SourceFrameOfReferenceUID = moving.frame_uid
    item.ReferencedImageSequence = image_references(moving.headers)
    item.FrameOfReferenceTransformationComment = description
    item.RegistrationTypeCodeSequence = [code_item(codes.DCM.ImageContentBasedAlignment)]
    item.DeformableRegistrationGridSequence = [_grid_item(motion)]
    item.PreDeformationMatrixRegistrationSequence = [rigid_matrix_item(Pose.identity())]
    item.PostDeformationMatrixRegistrationSequence = [rigid_matrix_item(motion.after)]
    instance.DeformableRegistrationSequence = [item]
    refer_to(instance, (moving, fixed))
    return instance


def _grid_item(motion: GridMotion) -> Dataset:
    grid = motion.grid
    item = Dataset()
    item.ImagePositionPatient = [format_number_as_ds(v) for v in grid.origin_mm]
    item.ImageOrientationPatient = [format_number_as_ds(float(v)) for v in grid.axes.T[:2].ravel()]
    item.GridDimensions = list(grid.size)
    item.GridResolution = list(grid.spacing_mm)
    item.VectorGridData = np.ascontiguousarray(motion.displacement, "<f4").tobytes()
    return item
