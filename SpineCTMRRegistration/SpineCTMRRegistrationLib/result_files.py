"""Reading the files of a folder of results into nodes outside the scene. LPS ends here."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.vertebra_names import cranial_to_caudal, vertebra_name
from spine_ctmr.results import names

from .transform_reading import transform_steps
from .vertebra_table import QualityReport, read_quality

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class PlacedVertebra:
    """Where one vertebra of the CT lies in the MR.

    Attributes:
        ct_to_mr: rigid motion (4, 4), RAS mm.
        center: its body centre in the MR (3,), RAS mm.
    """

    ct_to_mr: NDArray[Any]
    center: NDArray[Any]


@dataclass(frozen=True)
class ResultFiles:
    """The content of a folder of results.

    Attributes:
        transform: from-parent is mr_to_ct.
        volumes: the wanted ones, by the name of the file without its suffix.
        labels: moved vertebrae on the MR's grid, VerSe numbers.
        poses: by vertebra name, cranial to caudal.
        rigid_start: the CT→MR motion (4, 4) that the registration started from, RAS mm.
    """

    transform: slicer.vtkMRMLTransformNode
    volumes: dict[str, slicer.vtkMRMLScalarVolumeNode]
    labels: slicer.vtkMRMLLabelMapVolumeNode
    poses: dict[str, PlacedVertebra]
    quality: QualityReport
    rigid_start: NDArray[Any]


def reading_steps(folder: Path, volumes: Collection[str]) -> Generator[None, None, ResultFiles]:
    """Read a finished folder of results, a file or part of one in each step, so that a window can live.

    Args:
        folder: written by `spine-ctmr register`.
        volumes: which images to read, such as "ct_in_mr".

    Raises:
        InputError: a file is missing or unreadable.
    """
    quality, rigid_start = read_quality(folder), _read_rigid_start(folder / names.RUN)
    poses = _read_poses(folder)
    labels = read_volume(folder / names.VERTEBRAE_IN_MR, slicer.vtkMRMLLabelMapVolumeNode())
    yield
    read = {}
    for name in volumes:
        read[name] = read_volume(folder / f"{name}.nrrd", slicer.vtkMRMLScalarVolumeNode())
        yield
    transform = yield from transform_steps(folder / names.MR_TO_CT)
    return ResultFiles(transform, read, labels, poses, quality, rigid_start)


def read_volume(path: Path, node: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLScalarVolumeNode:
    """`node` with the image of a file; raises InputError when it cannot be read."""
    return _read(slicer.vtkMRMLVolumeArchetypeStorageNode(), node, path)


def _read_transform(path: Path, node: slicer.vtkMRMLTransformNode) -> slicer.vtkMRMLTransformNode:
    return _read(slicer.vtkMRMLTransformStorageNode(), node, path)


def _read(
    storage: slicer.vtkMRMLStorageNode, node: slicer.vtkMRMLStorableNode, path: Path
) -> slicer.vtkMRMLStorableNode:
    storage.SetFileName(str(path))
    if not path.is_file() or not storage.ReadData(node):
        raise InputError(f"{path.name} of the results cannot be read; register again.")
    return node


def _read_poses(folder: Path) -> dict[str, PlacedVertebra]:
    files = names.pose_files(folder)
    poses = {}
    for number in cranial_to_caudal(files):
        motion = _read_motion(files[number])
        center = (motion @ RAS_FROM_LPS @ _fixed_center(files[number]))[:3]
        poses[vertebra_name(number)] = PlacedVertebra(motion, center)
    return poses


def _read_motion(path: Path) -> NDArray[Any]:
    """The motion (4, 4) that an ITK transform file stands for, RAS. MRML takes files for from-parent."""
    matrix = vtk.vtkMatrix4x4()
    _read_transform(path, slicer.vtkMRMLLinearTransformNode()).GetMatrixTransformFromParent(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def _fixed_center(path: Path) -> NDArray[Any]:
    """The centre of rotation of an ITK transform file, LPS mm with a final 1: the body centre in the CT."""
    line = re.search(r"^FixedParameters:(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    numbers = [float(word) for word in line[1].split()[:3]] if line else []
    if len(numbers) != 3:
        raise InputError(f"{path.name} of the results has no centre; register again.")
    return np.array([*numbers, 1.0])


def _read_rigid_start(path: Path) -> NDArray[Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        motion = np.array(content["start"]["ct_to_mr_lps"], float).reshape(4, 4)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path.name} of the results cannot be read; register again.") from error
    return RAS_FROM_LPS @ motion @ RAS_FROM_LPS
