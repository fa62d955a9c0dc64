"""One registration at a time: from the user's choice, through the command, to nodes in the scene.

Without Qt: the run is injected, and the panel listens to signals.
"""

from __future__ import annotations

import json
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spine_ctmr.errors import SpineError
from spine_ctmr.process.removal import remove

from .parameters import OUTPUTS, Parameters, chosen_outputs, input_nodes, node_of, run_options
from .request import register_words
from .result_nodes import Outputs, ResultNodes, results_of
from .results_in_scene import SourceNodes, load_results
from .run import RESULTS, CommandRun, Finished, ProgressReport
from .scene import InputNodes, Placement, file_names, placement_of, write_inputs
from .signal import Signal

if TYPE_CHECKING:
    import slicer

FAILURE = "SpineCTMRRegistration.Failure"
"""Attribute of a quality table: why the registration failed its own checks; absent if it passed."""
WARNINGS = "SpineCTMRRegistration.Warnings"
"""Attribute of a quality table: the first of its warnings, which are about the inputs, with the nodes' names.

quality.json itself says "[file]" there, because it must not name a patient's files.
"""


@dataclass(frozen=True)
class Ending:
    """How a registration ended.

    Attributes:
        how: "unsafe" = finished, but failed its own checks; the results are there and marked.
        sentence: for the user.
        result: the nodes, if there are any.
    """

    how: Literal["done", "unsafe", "failed", "cancelled"]
    sentence: str
    result: ResultNodes | None = None


class RegistrationSession:
    """Runs registrations, one at a time, and loads what they find.

    Attributes:
        progressed: emitted with a ProgressReport.
        logged: emitted with a line.
        ended: emitted with an Ending, once for every start that did not raise.
    """

    def __init__(self, scene: slicer.vtkMRMLScene, make_run: Callable[[], CommandRun]) -> None:
        self.progressed: Signal[ProgressReport] = Signal()
        self.logged: Signal[str] = Signal()
        self.ended: Signal[Ending] = Signal()
        self._scene = scene
        self._make_run = make_run
        self._run: CommandRun | None = None
        self._kept: dict[str, Path] = {}

    @property
    def running(self) -> bool:
        """Whether a registration is under way."""
        return self._run is not None

    def start(self, parameters: Parameters) -> None:
        """Write the inputs and start the command; what is chosen later does not affect this run.

        Raises:
            SpineError: the inputs cannot be used; nothing was started.
        """
        keep_results_of_others(parameters)
        nodes, outputs, options = input_nodes(parameters), chosen_outputs(parameters), run_options(parameters)

        def prepare(work: Path) -> list[str]:
            return register_words(write_inputs(nodes, work), work / RESULTS, options)

        warnings: list[str] = []
        run = self._make_run()
        run.warned.connect(warnings.append)
        run.progressed.connect(self.progressed.emit)
        run.logged.connect(self.logged.emit)
        run.finished.connect(
            lambda finished: self._finish(finished, parameters, nodes, placement, outputs, warnings)
        )
        run.failed.connect(lambda sentence: self._end(Ending("failed", sentence)))
        run.cancelled.connect(lambda: self._end(Ending("cancelled", "Cancelled; nothing was changed.")))
        self._run = run
        try:
            placement = placement_of(nodes.ct, nodes.vertebrae)
            run.start(prepare, file_names(nodes))
        except Exception as error:
            self._run = None
            raise SpineError(self._explained(error, "writing of the inputs")) from error

    def cancel(self) -> None:
        """Ask the run to stop; `ended` follows."""
        if self._run is not None:
            self._run.cancel()

    def close(self) -> None:
        """End the run with its whole process tree, without signals, and delete all files that were kept."""
        if self._run is not None:
            self._run.stop()
            self._run = None
        for folder in self._kept.values():
            remove(folder.parent)
        self._kept.clear()

    def results_folder(self, table: slicer.vtkMRMLTableNode | None) -> Path | None:
        """The files of a result of this session, for export; None if they are not there any more."""
        folder = None if table is None else self._kept.get(table.GetID())
        return folder if folder is not None and folder.is_dir() else None

    def _finish(
        self,
        finished: Finished,
        parameters: Parameters,
        nodes: InputNodes,
        placement: Placement,
        outputs: Outputs,
        warnings: list[str],
    ) -> None:
        ct, mr, vertebrae = (self._present(node) for node in (nodes.ct, nodes.mr, nodes.vertebrae))
        sources = SourceNodes(ct, mr, vertebrae, placement, nodes.overrides)
        kept: Path | None = None
        try:
            kept = Path(tempfile.mkdtemp(prefix="spine-ctmr-", dir=finished.results.parent.parent))
            folder = finished.results.rename(kept / RESULTS)
            result = load_results(self._scene, folder, sources, self._present_outputs(outputs))
        except Exception as error:
            if kept is not None:
                remove(kept)
            self._end(Ending("failed", self._explained(error, "loading of the results")))
            return
        earlier = self._kept.pop(result.table.GetID(), None)
        if earlier is not None:
            remove(earlier.parent)
        self._kept[result.table.GetID()] = folder
        result.table.SetAttribute(FAILURE, finished.failure)
        result.table.SetAttribute(WARNINGS, json.dumps(warnings))
        if self._present(node_of(parameters)) is not None:
            remember(result, parameters)
        if finished.failure is not None:
            self._end(Ending("unsafe", f"Do not use without checking: {finished.failure}", result))
        else:
            self._end(Ending("done", "Registered.", result))

    def _end(self, ending: Ending) -> None:
        self._run = None
        self.ended.emit(ending)

    def _explained(self, error: Exception, noun: str) -> str:
        """The error as a sentence; the log gets the details of one that nobody expected."""
        if isinstance(error, SpineError):
            return str(error)
        self.logged.emit("".join(traceback.format_exception(error)))
        return (
            f"The {noun} failed ({type(error).__name__}: {error}); free memory and disk space and register "
            "again, or see the log."
        )

    def _present(self, node: slicer.vtkMRMLNode | None) -> slicer.vtkMRMLNode | None:
        return node if node is not None and self._scene.IsNodePresent(node) else None

    def _present_outputs(self, outputs: Outputs) -> Outputs:
        """The outputs without nodes that were deleted during the run; new ones are made instead."""
        nodes = {name: node for name, node in outputs.nodes.items() if self._present(node) is not None}
        return Outputs(outputs.wanted, nodes, self._present(outputs.table))


def registered_images(result: ResultNodes) -> tuple[slicer.vtkMRMLNode | None, slicer.vtkMRMLNode | None]:
    """The CT and the MR that a result was made from; None for one that is not in the scene any more."""
    pose = next(iter(result.vertebra_transforms.values()), None)
    if pose is None:
        return None, None
    roles = pose.GetMovingNodeReferenceRole(), pose.GetFixedNodeReferenceRole()
    ct, mr = (pose.GetNodeReference(role) for role in roles)
    return ct, mr


def keep_results_of_others(parameters: Parameters) -> None:
    """Have new output nodes made if the chosen ones hold the result of other images.

    Otherwise a node would keep the name of one patient and get the images of another.
    """
    if parameters.table is None:
        return
    result = results_of(parameters.table)
    if registered_images(result) == (parameters.ct, parameters.mr):
        return
    parameters.table = None
    for name, (_, node_name) in OUTPUTS.items():
        if getattr(parameters, node_name) is getattr(result, name):
            setattr(parameters, node_name, None)


def remember(result: ResultNodes, parameters: Parameters) -> None:
    """Choose the result's nodes as outputs, so that the next run updates them."""
    parameters.table = result.table
    for name, (_, node_name) in OUTPUTS.items():
        node = getattr(result, name)
        if node is not None:
            setattr(parameters, node_name, node)
