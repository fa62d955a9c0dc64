"""What the files in a patient's folder are called, wherever this program reads or writes one."""

from __future__ import annotations

from pathlib import Path

CT, MR, CT_LABELS, MR_LABELS, MR_LANDMARKS = "ct", "mr", "ct_labels", "mr_labels", "mr_landmarks"
TRUTH = "truth_points"
_ALSO = {"ct_vertebrae": CT_LABELS, "mr_vertebrae": MR_LABELS}


def role(path: Path) -> str:
    """What a file, or a folder of DICOM files, is: its name before the first dot, as this program says it.

    `ct_vertebrae.nrrd` is "ct_labels", as `ct_labels.nii.gz` is.
    """
    name = path.name.split(".")[0]
    return _ALSO.get(name, name)
