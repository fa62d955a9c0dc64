"""The files in a folder of results: their names are a contract with everybody who reads one.

Needs the standard library alone, so that the panel in 3D Slicer can import it.
"""

from __future__ import annotations

from pathlib import Path

from ..imaging.vertebra_names import vertebra_name, vertebra_number
from ..process.own_files import RESULT_MARK

RUN = RESULT_MARK
"""Versions, options, seed, timings: enough to repeat the run; no name of a patient."""
MR_TO_CT, CT_TO_MR = "mr_to_ct.h5", "ct_to_mr.h5"
"""ITK composite transforms [rigid, displacement field], LPS mm."""
CT_IN_MR, MR_IN_CT = "ct_in_mr.nrrd", "mr_in_ct.nrrd"
VERTEBRAE_IN_MR = "vertebrae_in_mr.nrrd"
JACOBIAN = "jacobian.nrrd"
POSES = "vertebrae"
"""Folder with one rigid CT→MR pose per vertebra."""
QUALITY, QUALITY_TABLE = "quality.json", "quality.csv"
REPORT, VIEWER, OVERVIEW, HEATMAP = "report.html", "viewer.html", "overview.png", "heatmap.png"
SIGN_OFF = "sign_off.json"
"""What a person decided about the result; in the folder once somebody has."""
EVALUATION = "evaluation"
"""Without ending: what `spine-ctmr evaluate` adds, as .json, .csv and .md."""
ADDED_LATER = (SIGN_OFF, *(f"{EVALUATION}.{ending}" for ending in ("json", "csv", "md")))
"""What belongs to a result although the run did not write it."""
PATIENT, TRUTH = "patient", "truth.json"
"""What `spine-ctmr demo` adds: the folder of the synthetic patient, and the errors against its truth."""

POSE_SUFFIX = ".tfm"


def pose_file(number: int) -> str:
    """Where the pose of a vertebra lies, such as "vertebrae/L1.tfm"."""
    return f"{POSES}/{vertebra_name(number)}{POSE_SUFFIX}"


def pose_files(folder: Path) -> dict[int, Path]:
    """The pose files in a folder of results by VerSe number; others, also copies, are passed over."""
    files = sorted((folder / POSES).glob(f"*{POSE_SUFFIX}"))
    numbers = ((vertebra_number(path.stem), path) for path in files)
    return {n: path for n, path in numbers if n is not None and path == folder / pose_file(n)}
