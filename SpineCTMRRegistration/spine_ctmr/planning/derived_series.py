"""A warped image as a derived DICOM series on the slices of the other image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.valuerep import format_number_as_ds

from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from ..imaging.hounsfield import OUTSIDE_HU
from .instances import NewSeries, code_item, new_instance, refer_to, source_references
from .sources import Source

LARGEST = 65535
_FROM_CONTENT = {
    "CT": ("KVP", "AcquisitionNumber", "ConvolutionKernel", "ContrastBolusAgent"),
    "MR": (
        *("ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "RepetitionTime"),
        *("EchoTime", "InversionTime", "EchoTrainLength", "TriggerTime", "MagneticFieldStrength"),
        *("FlipAngle", "SequenceName", "ProtocolName", "ContrastBolusAgent", "AcquisitionNumber"),
    ),
}
"""Acquisition attributes copied from the series whose voxels were moved."""
_EMPTY_IF_UNKNOWN = {
    "CT": ("KVP", "AcquisitionNumber"),
    "MR": ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength"),
}
_ALSO_FROM_CONTENT = (
    *("AcquisitionDate", "AcquisitionTime", "WindowCenter", "WindowWidth"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"),
)
_THIRD_IMAGE_TYPE = {"CT": "AXIAL", "MR": "MPR"}
_CONTRIBUTION_SAMPLES = 9


@dataclass(frozen=True)
class StoredValues:
    """Voxels as DICOM stores them: `value = slope * stored + intercept`.

    Attributes:
        array: (z, y, x), uint16.
        slope: value per stored step.
        intercept: value of a stored zero.
    """

    array: NDArray[np.uint16]
    slope: float
    intercept: float


def stored_values(image: sitk.Image, modality: str) -> StoredValues:
    """CT in whole HU; MR as it is where it is whole numbers, else in 65535 steps of its range."""
    values = array_view(image)
    low, high = float(values.min()), float(values.max())
    if modality == "CT":
        low, slope = min(float(np.floor(low)), OUTSIDE_HU), 1.0
    else:
        low = min(low, 0.0)
        whole = "integer" in image.GetPixelIDTypeAsString() and high - low <= LARGEST
        slope = 1.0 if whole else max(high - low, 1e-6) / LARGEST
    slope, low = (float(format_number_as_ds(v)) for v in (slope, low))
    steps = np.clip(np.rint((values.astype(np.float64) - low) / slope), 0, LARGEST)
    return StoredValues(steps.astype(np.uint16), slope, low)


def derived_series(
    content: Source,
    frame: Source,
    image: sitk.Image,
    frame_to_content: sitk.Transform,
    series: NewSeries,
    derivation: str,
) -> Iterator[Dataset]:
    """The slices of `content` warped onto the grid of `frame`, in the study of `frame`.

    Args:
        content: the series whose voxels were moved.
        frame: the series that gives study, frame of reference and slices.
        image: the warped voxels on the grid of `frame`.
        frame_to_content: maps LPS mm points of `frame` to `content`.
        series: where the slices belong.
        derivation: Derivation Description, at most 1024 characters.
    """
    grid, stored = frame.grid, stored_values(image, content.modality)
    used = [_contributing(content, grid, k, frame_to_content) for k in range(grid.size[2])]
    for k, pixels in enumerate(stored.array):
        instance = new_instance(content.typical.SOPClassUID, series, k + 1, frame, (content,))
        _copy_acquisition(instance, content, frame)
        instance.ImageType = ["DERIVED", "SECONDARY", _THIRD_IMAGE_TYPE[content.modality]]
        instance.DerivationDescription = derivation
        instance.DerivationCodeSequence = [
            code_item(codes.DCM.SpatialResampling),
            code_item(codes.DCM.DeformedForRegistration),
        ]
        instance.SourceImageSequence = source_references(used[k])
        _place(instance, grid, k)
        _fill(instance, pixels, stored, content.modality)
        refer_to(instance, (content, frame))
        yield instance


def _contributing(content: Source, grid: Grid, k: int, transform: sitk.Transform) -> Sequence[Dataset]:
    """Headers of the source slices that slice `k` was interpolated from, and of a neighbour each side."""
    edges = [np.linspace(0, n - 1, _CONTRIBUTION_SAMPLES) for n in grid.size[:2]]
    points = grid.to_points([(i, j, k) for i in edges[0] for j in edges[1]])
    moved = [transform.TransformPoint(p.tolist()) for p in points]
    reached = content.grid.to_indices(moved)[:, 2]
    last = len(content.headers) - 1
    first, stop = np.clip([np.floor(reached.min()) - 1, np.ceil(reached.max()) + 1], 0, last).astype(int)
    return content.headers[first : stop + 1]


def _copy_acquisition(instance: Dataset, content: Source, frame: Source) -> None:
    for name in (*_FROM_CONTENT[content.modality], *_ALSO_FROM_CONTENT):
        if content.typical.get(name) not in (None, ""):
            instance[name] = content.typical[name]
    for name in _EMPTY_IF_UNKNOWN[content.modality]:
        if name not in instance:
            setattr(instance, name, None)
    instance.PatientPosition = frame.typical.get("PatientPosition")


def _place(instance: Dataset, grid: Grid, k: int) -> None:
    position = grid.to_points((0, 0, k))
    instance.ImagePositionPatient = [format_number_as_ds(float(v)) for v in position]
    instance.ImageOrientationPatient = [format_number_as_ds(float(v)) for v in grid.axes.T[:2].ravel()]
    instance.PixelSpacing = [format_number_as_ds(v) for v in (grid.spacing_mm[1], grid.spacing_mm[0])]
    instance.SliceThickness = format_number_as_ds(grid.spacing_mm[2])
    instance.SpacingBetweenSlices = format_number_as_ds(grid.spacing_mm[2])


def _fill(instance: Dataset, pixels: NDArray[Any], stored: StoredValues, modality: str) -> None:
    instance.SamplesPerPixel = 1
    instance.PhotometricInterpretation = "MONOCHROME2"
    instance.Rows, instance.Columns = pixels.shape
    instance.BitsAllocated, instance.BitsStored, instance.HighBit = 16, 16, 15
    instance.PixelRepresentation = 0
    if modality == "CT" or (stored.slope, stored.intercept) != (1.0, 0.0):
        instance.RescaleIntercept = format_number_as_ds(stored.intercept)
        instance.RescaleSlope = format_number_as_ds(stored.slope)
        instance.RescaleType = "HU" if modality == "CT" else "US"
    instance.PixelData = np.ascontiguousarray(pixels, "<u2").tobytes()
