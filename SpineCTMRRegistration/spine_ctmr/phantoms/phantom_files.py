"""The demonstration's patient, and a phantom as the files that a user would have."""

from __future__ import annotations

import json
from pathlib import Path

import SimpleITK as sitk

from ..imaging.vertebra_names import vertebra_name
from ..process.writing import written
from .phantom import Phantom, PhantomOptions

DEMO_PATIENT = PhantomOptions(
    levels=(22, 23, 24), sequence="T2", mr_spacing_mm=(1.0, 3.0), ct_spacing_mm=(1.0, 1.25), margin_mm=26.0
)


def write_phantom(phantom: Phantom, directory: Path) -> None:
    """Write the inputs of a registration into an existing folder.

    `ct.nrrd`, `mr.nrrd`, `ct_vertebrae.nrrd` (VerSe numbers) and `mr_landmarks.json` (true body
    centres in the MR, LPS mm).
    """
    case = phantom.case
    for name, image in (("ct", case.ct), ("mr", case.mr), ("ct_vertebrae", case.vertebrae)):
        path = directory / f"{name}.nrrd"
        with written(path):
            sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=1)
    centers = {vertebra_name(n): c.round(3).tolist() for n, c in (case.mr_centroids or {}).items()}
    (directory / "mr_landmarks.json").write_text(json.dumps(centers, indent=2) + "\n", encoding="utf-8")
