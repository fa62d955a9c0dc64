"""A phantom patient as sample data: made by the engine in a child process, without download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .process import ChildProcess
from .run import ProgressReport

if TYPE_CHECKING:
    import slicer

SAMPLE_NAME = "SpineCTMRPhantom"


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
    raise NotImplementedError


def load_sample(scene: slicer.vtkMRMLScene, folder: Path) -> SampleNodes:
    """Load the files of `make_sample` into the scene, under one study.

    Raises:
        InputError: a file is missing or unreadable.
    """
    raise NotImplementedError
