"""From files to nodes: a folder of results, loaded into the scene.

The nodes live in world coordinates (RAS). `transform` is the CT's transform to the MR: from-parent is
the composite of mr_to_ct.h5, so that a CT image, segment, model or point put under it moves onto the MR.
A vertebra's linear transform does the same for that bone: to-parent is the rigid CT→MR pose.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import slicer

from .moved_vertebrae import MovedVertebrae, moving_steps
from .nodes import remove_node
from .result_files import ResultFiles, reading_steps
from .result_loader import ResultLoader
from .result_nodes import CT_IN_MR, JACOBIAN, MR_IN_CT, Outputs, ResultNodes, SourceNodes, check_outputs

VOLUMES = (CT_IN_MR, JACOBIAN, MR_IN_CT)


def load_results(
    scene: slicer.vtkMRMLScene, results: Path, sources: SourceNodes, outputs: Outputs
) -> ResultNodes:
    """Load a finished folder of results into the scene.

    Raises:
        InputError: a file is missing or unreadable, or an output is an input; the scene is as it was.
    """
    files = _end_of(reading_steps(results, wanted_volumes(outputs)))
    return put_into_scene(scene, files, _end_of(moving_steps(files, sources.at_start)), sources, outputs)


def wanted_volumes(outputs: Outputs) -> list[str]:
    """The images to read, the one that is looked at first in front."""
    return [key for key in VOLUMES if key in outputs.wanted]


def put_into_scene(
    scene: slicer.vtkMRMLScene,
    files: ResultFiles,
    vertebrae: MovedVertebrae,
    sources: SourceNodes,
    outputs: Outputs,
) -> ResultNodes:
    """Put what was read into the scene; when something fails, new nodes are removed.

    Raises:
        InputError: an output is an input.
    """
    check_outputs(outputs, [n for n in (sources.ct, sources.mr, sources.vertebrae) if n is not None])
    made: list[slicer.vtkMRMLNode] = []
    loader = ResultLoader(scene, files, vertebrae, sources, outputs, made)
    try:
        scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
        try:
            result = loader.load()
        finally:
            scene.EndState(slicer.vtkMRMLScene.BatchProcessState)
        loader.place(result)  # a tree that is open cannot follow folders that come in a batch
    except BaseException:
        for node in reversed(made):
            remove_node(node)
        raise
    return result


Value = TypeVar("Value")


def _end_of(steps: Generator[None, None, Value]) -> Value:
    """All steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
