"""What surgical planning systems read: DICOM registrations, derived series, segmentations, and models."""
