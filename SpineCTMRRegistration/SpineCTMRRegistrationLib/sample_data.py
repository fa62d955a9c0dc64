"""A phantom patient as sample data: made by the engine in a child process, without download."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import slicer
import vtk
from spine_ctmr.errors import InputError, SpineError
from spine_ctmr.imaging.vertebra_names import vertebra_name
from spine_ctmr.process.removal import remove

from .request import phantom_words
from .result_files import read_volume
from .run import RESULTS, CommandRun, ProgressReport
from .segments import Look, label_values, segmentation_from
from .signal import Signal
from .study_folder import place_in_study

SAMPLE_NAME = "SpineCTMRPhantom"
FILES = ("ct.nrrd", "mr.nrrd", "ct_vertebrae.nrrd", "mr_landmarks.json")
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


class SampleMaker:
    """Makes the sample's files in a child process, unless that was done before, and loads them.

    Exactly one of `loaded`, `failed` and `cancelled` is emitted for every start that is not stopped.

    Attributes:
        progressed: emitted with a ProgressReport.
        loaded: emitted with SampleNodes.
        failed: one sentence.
        cancelled: no arguments.
    """

    def __init__(self, scene: slicer.vtkMRMLScene, folder: Path, make_run: Callable[[], CommandRun]) -> None:
        """Prepare.

        Args:
            scene: where the nodes go.
            folder: where the files go and stay, on the disk on which `make_run` works.
            make_run: a run that is not yet started.
        """
        self.progressed: Signal[ProgressReport] = Signal()
        self.loaded: Signal[SampleNodes] = Signal()
        self.failed: Signal[str] = Signal()
        self.cancelled: Signal[[]] = Signal()
        self._scene, self._folder, self._make_run = scene, folder, make_run
        self._run: CommandRun | None = None

    @property
    def running(self) -> bool:
        """Whether the files are being made."""
        return self._run is not None

    def start(self) -> None:
        """Load the sample at once if its files are there; otherwise make them first, in the background.

        Raises:
            SpineError: the files cannot be made or read.
        """
        if _complete(self._folder):
            self.loaded.emit(load_sample(self._scene, self._folder))
            return
        run = self._make_run()
        run.progressed.connect(self.progressed.emit)
        run.failed.connect(self._fail)
        run.cancelled.connect(self._end_cancelled)
        run.finished.connect(lambda finished: self._finish(finished.results))
        self._run = run
        try:
            run.start(lambda work: phantom_words(work / RESULTS))
        except BaseException:
            self._run = None
            raise

    def cancel(self) -> None:
        """Ask to stop; `cancelled` follows."""
        if self._run is not None:
            self._run.cancel()

    def stop(self) -> None:
        """Stop now, with the whole process tree and without signals; for closing the scene or Slicer."""
        if self._run is not None:
            self._run.stop()
            self._run = None

    def _finish(self, results: Path) -> None:
        self._run = None
        try:
            remove(self._folder)
            results.rename(self._folder)
            nodes = load_sample(self._scene, self._folder)
        except (OSError, SpineError) as error:
            self.failed.emit(f"The sample could not be loaded ({error}); free some disk space and try again.")
            return
        self.loaded.emit(nodes)

    def _fail(self, sentence: str) -> None:
        self._run = None
        self.failed.emit(sentence)

    def _end_cancelled(self) -> None:
        self._run = None
        self.cancelled.emit()


def load_sample(scene: slicer.vtkMRMLScene, folder: Path) -> SampleNodes:
    """Load the files of a sample into the scene, under one study.

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
