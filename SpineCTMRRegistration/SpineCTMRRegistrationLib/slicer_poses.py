"""The vertebrae's rigid transforms in the direction in which Slicer loads files.

A `.tfm` of a result maps points of the CT to the MR. Slicer takes any such file for ITK's resampling
direction, so there it becomes the inverse of the node "L3 to MR". These files become that node.
"""

from __future__ import annotations

from pathlib import Path

import slicer
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.vertebra_names import vertebra_name
from spine_ctmr.results import names

SLICER_POSES = "vertebrae_for_slicer"
"""Folder of the files, such as "L3 to MR.tfm"."""


def write_slicer_poses(results: Path, folder: Path) -> None:
    """Write one file per vertebra of a folder of results into a new folder.

    Raises:
        InputError: one of them cannot be read or written.
    """
    folder.mkdir()
    for number, path in names.pose_files(results).items():
        storage, node = slicer.vtkMRMLTransformStorageNode(), slicer.vtkMRMLLinearTransformNode()
        storage.SetFileName(str(path))
        read = storage.ReadData(node)
        node.Inverse()
        storage.SetFileName(str(folder / f"{vertebra_name(number)} to MR{names.POSE_SUFFIX}"))
        if not read or not storage.WriteData(node):
            raise InputError(f"The transform of {vertebra_name(number)} cannot be written; register again.")
