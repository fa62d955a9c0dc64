"""Enhanced multi-frame CT and MR files, written frame by frame."""

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid


def write_enhanced(path, pixels, positions, orientation, spacing=(0.7, 0.5), rescale=(1, 0), **options):
    """A file with `pixels` (frames, y, x) uint16 at LPS `positions` (frames, 3).

    Args:
        path: of the file; its folder is made.
        pixels: stored values in the order of the frames.
        positions: None for frames without a position.
        orientation: six cosines, or a list of them, one for each frame.
        spacing: between rows and columns; None to leave it out.
        rescale: slope and intercept, or a list of them.
        options: `series` UID, `description`, `modality`, `patient`, and `shared`: whether what is the
            same for all frames stands in the shared group.
    """
    count = len(pixels)
    data = _file(path, options.get("modality", "CT"), options.get("series") or generate_uid())
    data.SeriesDescription = options.get("description", "Spine")
    data.PatientName, data.PatientID = options.get("patient", ("Doe^Jane", "123"))
    data.Rows, data.Columns, data.NumberOfFrames = pixels.shape[1], pixels.shape[2], count
    shared = Dataset()
    if spacing is not None:
        measures = Dataset()
        measures.PixelSpacing, measures.SliceThickness = list(spacing), 2.0
        shared.PixelMeasuresSequence = Sequence([measures])
    orientations = orientation if np.ndim(orientation) == 2 else [orientation] * count
    rescales = rescale if np.ndim(rescale) == 2 else [rescale] * count
    frames = []
    for i in range(count):
        frame, place = Dataset(), Dataset()
        if positions is not None:
            place.ImagePositionPatient = [float(f"{v:.6f}") for v in positions[i]]
            frame.PlanePositionSequence = Sequence([place])
        own = shared if options.get("shared") else frame
        turn, scale = Dataset(), Dataset()
        turn.ImageOrientationPatient = [float(f"{v:.6f}") for v in orientations[i]]
        scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = *rescales[i], "HU"
        own.PlaneOrientationSequence = Sequence([turn])
        own.PixelValueTransformationSequence = Sequence([scale])
        frames.append(frame)
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    data.PerFrameFunctionalGroupsSequence = Sequence(frames)
    data.PixelData = pixels.astype("<u2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def _file(path, modality, series):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = EnhancedCTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = EnhancedCTImageStorage, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID, data.SeriesInstanceUID, data.Modality = generate_uid(), series, modality
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    return data
