"""Vertebra labels as a DICOM Segmentation with SNOMED CT codes (CID 7603)."""

from __future__ import annotations

from typing import Any

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom.sr.codedict import codes

from .. import __version__
from ..imaging.vertebra_names import SACRUM, cranial_to_caudal, vertebra_name
from .instances import MANUFACTURER, MODEL, SERIAL_NUMBER, NewSeries, new_uid
from .sources import Source


def vertebra_code(number: int) -> Any:
    """The SNOMED CT concept of a VerSe number; L6 and T13 have none of their own and are "Vertebra"."""
    if number == SACRUM:
        return codes.SCT.Sacrum
    return getattr(codes.SCT, f"{vertebra_name(number)}Vertebra", codes.SCT.Vertebra)


def vertebra_segmentation(
    source: Source, labels: NDArray[np.uint8], series: NewSeries, label: str, description: str
) -> Segmentation:
    """A binary segmentation of `source`, one segment for each label, cranial to caudal.

    Args:
        source: the segmented series.
        labels: (z, y, x) VerSe numbers on its grid, with at least one that is not zero.
        series: where the object belongs.
        label: its Content Label.
        description: its Content Description.
    """
    numbers = cranial_to_caudal(int(n) for n in np.unique(labels[labels > 0]))
    renumbered = np.zeros(labels.shape, np.uint8)
    for segment, number in enumerate(numbers, start=1):
        renumbered[labels == number] = segment
    return Segmentation(
        source_images=source.headers,
        pixel_array=renumbered,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(i, n) for i, n in enumerate(numbers, start=1)],
        series_instance_uid=series.uid,
        series_number=series.number,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=SERIAL_NUMBER,
        content_label=label,
        content_description=description,
        series_description=series.description,
    )


def _segment(index: int, number: int) -> SegmentDescription:
    return SegmentDescription(
        segment_number=index,
        segment_label=vertebra_name(number),
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=vertebra_code(number),
        algorithm_type=SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=MANUFACTURER, family=codes.DCM.DeformableModels, version=__version__
        ),
    )
