"""Segmenting vertebrae with the TotalSegmentator extension, where it is installed."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import slicer
from spine_ctmr.errors import Cancelled, SpineError
from spine_ctmr.imaging.vertebra_names import vertebra_number

from .extensions import MissingExtension
from .nodes import remove_node
from .segments import segments_of

NAME = "TotalSegmentator"


@dataclass(frozen=True)
class Task:
    """One of the extension's networks.

    Attributes:
        name: as the extension calls it.
        fast: whether its coarse version is taken.
        minutes: how long it takes, in words.
    """

    name: str
    fast: bool
    minutes: str


CT = Task("total", True, "2 to 5 minutes")
MR = Task("vertebrae_mr", False, "3 to 15 minutes")


def question(volume: slicer.vtkMRMLScalarVolumeNode, task: Task) -> str:
    """What the user is told before anything runs."""
    return (
        f'TotalSegmentator (task "{task.name}", Apache License 2.0, Wasserthal et al. 2023) will segment the '
        f'vertebrae of "{volume.GetName()}" on this computer.\n\n'
        f"That takes about {task.minutes} without a graphics card; Slicer's window answers only now and then "
        "meanwhile. The first time, packages and weights of up to 3 GB are downloaded. "
        "Check the names of the vertebrae afterwards: a level may be wrong.\n\nSegment now?"
    )


def require() -> None:
    """Raises MissingExtension where the extension is not installed."""
    if importlib.util.find_spec(NAME) is None:
        raise MissingExtension(NAME, "which finds vertebrae in images")


def segment(
    volume: slicer.vtkMRMLScalarVolumeNode, task: Task, log: Callable[[str], None]
) -> slicer.vtkMRMLSegmentationNode:
    """A new segmentation of the volume's vertebrae; when it fails, no node is left.

    Args:
        volume: CT or MR, as the task wants it.
        task: what finds them.
        log: called with each line that the extension prints; `Cancelled` raised in it ends the work.

    Raises:
        Cancelled: by `log`.
        SpineError: the extension is missing, it failed, or it found no vertebra.
    """
    require()
    node = volume.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", f"{volume.GetName()} vertebrae")
    try:
        _process(volume, node, task, log)
        _keep_vertebrae(node)
        if not node.GetSegmentation().GetNumberOfSegments():
            raise SpineError(f'TotalSegmentator found no vertebra in "{volume.GetName()}".')
    except SpineError:
        remove_node(node)
        raise
    except Exception as error:  # whatever another extension and its packages raise
        remove_node(node)
        raise SpineError(
            f'TotalSegmentator could not segment "{volume.GetName()}" ({error}); '
            "try it in its own module, or see the Python console."
        ) from error
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    return node


def _process(volume: Any, node: Any, task: Task, log: Callable[[str], None]) -> None:
    from TotalSegmentator import TotalSegmentatorLogic  # type: ignore[import-not-found]

    running: list[subprocess.Popen[str]] = []

    class Logic(TotalSegmentatorLogic):  # type: ignore[misc]
        """Notes its process, so that it can be ended."""

        def logProcessOutput(self, proc: Any, *arguments: Any, **options: Any) -> Any:
            running.append(proc)
            return super().logProcessOutput(proc, *arguments, **options)

    logic = Logic()
    logic.logCallback = log
    try:
        logic.setupPythonRequirements()
        logic.process(volume, node, task.fast, False, task.name)
    except Cancelled:
        for process in running:
            with suppress(OSError):
                process.kill()
            if process.stdout is not None:
                process.stdout.close()  # a child of the launcher ends when it cannot print any more
        raise


def _keep_vertebrae(node: slicer.vtkMRMLSegmentationNode) -> None:
    """Remove organs."""
    for segment in segments_of(node):
        names = (segment.name, segment.segment_id, *segment.meanings)
        if not any(vertebra_number(name) for name in names):
            node.GetSegmentation().RemoveSegment(segment.segment_id)
