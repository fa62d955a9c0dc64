"""A phantom patient as sample data: made by the engine in a child process, without download."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import slicer
import vtk

from ..errors import InputError, SpineError
from ..imaging.vertebra_names import vertebra_name
from .process import ChildProcess
from .request import phantom_words
from .result_files import read_volume
from .result_folder import place_in_study
from .run import RESULTS, CommandRun, ProgressReport
from .segments import Look, label_values, segmentation_from

SAMPLE_NAME = "SpineCTMRPhantom"
FILES = ("ct.nrrd", "mr.nrrd", "ct_vertebrae.nrrd", "mr_landmarks.json")
LONGEST_S = 600.0
CT_WINDOW = (1000.0, 250.0)
"""Window and level that show bone and soft tissue, HU."""
COLORS = ((0.95, 0.84, 0.57), (0.56, 0.78, 0.93), (0.71, 0.88, 0.55), (0.94, 0.66, 0.56), (0.78, 0.67, 0.91))


@dataclass(frozen=True)
class SampleNodes:
    """The sample patient in the scene: CT, MR, CT vertebrae, and named body centres in the MR."""

    ct: slicer.vtkMRMLScalarVolumeNode
    mr: slicer.vtkMRMLScalarVolumeNode
    vertebrae: slicer.vtkMRMLSegmentationNode
    mr_landmarks: slicer.vtkMRMLMarkupsFiducialNode


def make_sample(
    process: ChildProcess,
    python: str | Path,
    folder: Path,
    on_progress: Callable[[ProgressReport], None] = lambda report: None,
) -> None:
    """Make the sample's files in `folder` unless they are there already; blocks for some seconds.

    Args:
        process: not yet started.
        python: the Python interpreter that can run the library.
        folder: where the files go and stay, such as a folder in Slicer's cache.
        on_progress: told how it goes.

    Raises:
        SpineError: why it could not be made, in one sentence.
    """
    if _complete(folder):
        return
    run = CommandRun(process, python, folder.parent)
    problems: list[str] = []
    run.progressed.connect(on_progress)
    run.failed.connect(problems.append)
    run.cancelled.connect(lambda: problems.append("The sample was cancelled; load it again."))
    run.finished.connect(lambda finished: _keep(finished.results, folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    run.start(lambda work: phantom_words(work / RESULTS))
    if not process.wait(LONGEST_S):
        run.stop()
        problems.append(f"The sample was not finished after {LONGEST_S:.0f} s; close other programs.")
    if problems:
        raise SpineError(problems[0])


def load_sample(scene: slicer.vtkMRMLScene, folder: Path) -> SampleNodes:
    """Load the files of `make_sample` into the scene, under one study.

    Raises:
        InputError: a file is missing or unreadable.
    """
    if not _complete(folder):
        raise InputError(f"The sample in '{folder}' is not complete; make it again.")
    ct = _load_volume(scene, folder / "ct.nrrd", "Phantom CT")
    mr = _load_volume(scene, folder / "mr.nrrd", "Phantom MR")
    ct.GetDisplayNode().SetAutoWindowLevel(False)
    ct.GetDisplayNode().SetWindowLevel(*CT_WINDOW)
    nodes = SampleNodes(
        ct=ct,
        mr=mr,
        vertebrae=_load_vertebrae(scene, folder / "ct_vertebrae.nrrd", ct),
        mr_landmarks=_load_landmarks(scene, folder / "mr_landmarks.json"),
    )
    place_in_study(scene, "Phantom patient", "CT and MR", (ct, mr, nodes.vertebrae, nodes.mr_landmarks))
    return nodes


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)


def _keep(results: Path, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    results.rename(folder)


def _load_volume(scene: slicer.vtkMRMLScene, path: Path, name: str) -> slicer.vtkMRMLScalarVolumeNode:
    node = read_volume(path, scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name))
    node.CreateDefaultDisplayNodes()
    return node


def _load_vertebrae(
    scene: slicer.vtkMRMLScene, path: Path, ct: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLSegmentationNode:
    labels = read_volume(path, slicer.vtkMRMLLabelMapVolumeNode())
    numbers = sorted(label_values(labels))
    names = [vertebra_name(n) for n in numbers]
    looks = {name: Look(name, name, COLORS[i % len(COLORS)]) for i, name in enumerate(names)}
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Phantom vertebrae")
    node.SetAndObserveSegmentation(segmentation_from(labels, looks))
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    node.CreateDefaultDisplayNodes()
    return node


def _load_landmarks(scene: slicer.vtkMRMLScene, path: Path) -> slicer.vtkMRMLMarkupsFiducialNode:
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Phantom MR body centres")
    for name, (left, posterior, superior) in json.loads(path.read_text(encoding="utf-8")).items():
        node.AddControlPoint(vtk.vtkVector3d(-left, -posterior, superior), name)
    node.CreateDefaultDisplayNodes()
    return node
