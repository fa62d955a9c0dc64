"""DICOM Spatial Registration: rigid motions (PS3.3 A.39.1, C.20.2)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import SpatialRegistrationStorage
from pydicom.valuerep import format_number_as_ds

from ..geometry.pose import Pose
from .instances import NewSeries, code_item, image_references, new_instance, refer_to
from .sources import Source


def spatial_registration(
    moving: Source,
    fixed: Source,
    motion: Pose,
    series: NewSeries,
    number: int,
    label: str,
    description: str,
) -> Dataset:
    """The rigid motion of `moving` into the frame of reference of `fixed`.

    Args:
        moving: the series whose points the matrix moves.
        fixed: the series that is registered to itself by the identity.
        motion: from `moving` to `fixed`: the direction that C.20.2.1.1 defines.
        series: where the object belongs.
        number: its Instance Number.
        label: its Content Label: at most 16 capitals, digits, spaces and underscores.
        description: its Content Description: at most 64 characters.
    """
    instance = new_instance(SpatialRegistrationStorage, series, number, fixed, (moving, fixed))
    describe_content(instance, label, description)
    same_frame = moving.frame_uid == fixed.frame_uid
    instance.RegistrationSequence = [
        _item(fixed, Pose.identity(), codes.DCM.FrameOfReferenceIdentity, "identity", same_frame),
        _item(moving, motion, codes.DCM.ImageContentBasedAlignment, description, same_frame),
    ]
    refer_to(instance, (moving, fixed))
    return instance


def describe_content(instance: Dataset, label: str, description: str) -> None:
    """Fill the Content Identification macro (PS3.3 table 10-12)."""
    instance.ContentLabel = label
    instance.ContentDescription = description
    instance.ContentCreatorName = None


def rigid_matrix_item(motion: Pose) -> Dataset:
    """An item of a Matrix Sequence; elements are rounded to what 16 characters hold."""
    item = Dataset()
    item.FrameOfReferenceTransformationMatrix = [format_number_as_ds(float(v)) for v in motion.matrix.ravel()]
    item.FrameOfReferenceTransformationMatrixType = "RIGID"
    return item


def _item(source: Source, motion: Pose, method: object, comment: str, same_frame: bool) -> Dataset:
    """An item of the Registration Sequence; the frame's UID stays out where it would be ambiguous."""
    matrices = Dataset()
    matrices.FrameOfReferenceTransformationComment = comment
    matrices.RegistrationTypeCodeSequence = [code_item(method)]
    matrices.MatrixSequence = [rigid_matrix_item(motion)]
    item = Dataset()
    if not same_frame:
        item.FrameOfReferenceUID = source.frame_uid
    item.ReferencedImageSequence = image_references(source.headers)
    item.MatrixRegistrationSequence = [matrices]
    return item
