"""One registration at a time: from the user's choice, through the command, to nodes in the scene.

Without Qt: the run is injected, and the panel listens to signals.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Collection, Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spine_ctmr.errors import SpineError
from spine_ctmr.process.temporary import OwnedFolder

from .kept_results import KeptResults, taken_over
from .moved_vertebrae import moving_steps
from .output_nodes import remember, spare_other_nodes
from .parameters import Parameters, chosen_inputs, chosen_outputs, input_nodes, node_of, run_options
from .request import register_words
from .result_files import reading_steps
from .result_nodes import Outputs, ResultNodes, SourceNodes, check_outputs
from .results_in_scene import put_into_scene, wanted_volumes
from .run import RESULTS, CommandRun, Finished, ProgressReport
from .scene import InputNodes, Placement, file_names, placement_of, write_inputs
from .signal import Signal
from .source_vertebrae import SourceVertebrae, source_vertebrae

if TYPE_CHECKING:
    import slicer

FAILURE = "SpineCTMRRegistration.Failure"
"""Attribute of a quality table: why the registration failed its own checks; absent if it passed."""
WARNINGS = "SpineCTMRRegistration.Warnings"
"""Attribute of a quality table: the first of its warnings, which are about the inputs, with the nodes' names.

quality.json itself says "[file]" there, because it must not name a patient's files.
"""

Later = Callable[[Callable[[], None]], None]
"""Calls a function when the window has answered what waits; without a window, at once."""


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


CANCELLED = Ending("cancelled", "Cancelled; nothing was changed.")


@dataclass(frozen=True)
class _Asked:
    """What a run was started with, and what it has warned of."""

    parameters: Parameters
    nodes: InputNodes
    placement: Placement
    at_start: SourceVertebrae
    outputs: Outputs
    warnings: list[str]


class RegistrationSession:
    """Runs registrations, one at a time, and loads what they find.

    Attributes:
        progressed: emitted with a ProgressReport.
        logged: emitted with a line.
        ended: emitted with an Ending, once for every start that did not raise.
        kept: the files of its results.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        make_run: Callable[[], CommandRun],
        later: Later = lambda call: call(),
    ) -> None:
        self.progressed: Signal[ProgressReport] = Signal()
        self.logged: Signal[str] = Signal()
        self.ended: Signal[Ending] = Signal()
        self._scene = scene
        self._make_run = make_run
        self._later = later
        self._run: CommandRun | None = None
        self._loading: Generator[None, None, None] | None = None
        self.kept = KeptResults()

    @property
    def running(self) -> bool:
        """Whether a registration is under way, or its results are being loaded."""
        return self._run is not None or self._loading is not None

    def start(self, parameters: Parameters, picked: Collection[str] = ()) -> None:
        """Write the inputs and start the command; what is chosen later does not affect this run.

        Args:
            parameters: inputs, outputs and settings.
            picked: output parameters whose node the user picked by hand (see `spare_other_nodes`).

        Raises:
            SpineError: one is running, or the inputs cannot be used; nothing was started.
        """
        if self.running:
            raise SpineError("A registration is running; wait for its end, or cancel it.")
        for sentence in spare_other_nodes(parameters, picked):
            self.logged.emit(sentence)
        nodes, outputs, options = input_nodes(parameters), chosen_outputs(parameters), run_options(parameters)
        check_outputs(outputs, [node for node in chosen_inputs(parameters) if node is not None])

        def prepare(work: Path) -> list[str]:
            return register_words(write_inputs(nodes, work), work / RESULTS, options)

        warnings: list[str] = []
        run = self._make_run()
        run.warned.connect(warnings.append)
        run.progressed.connect(self.progressed.emit)
        run.logged.connect(self.logged.emit)
        run.finished.connect(
            lambda finished: self._load(
                finished, _Asked(parameters, nodes, placement, at_start, outputs, warnings)
            )
        )
        run.failed.connect(lambda sentence: self._end(Ending("failed", sentence)))
        run.cancelled.connect(lambda: self._end(CANCELLED))
        self._run = run
        try:
            placement = placement_of(nodes.ct, nodes.vertebrae)
            at_start = source_vertebrae(nodes.ct, nodes.vertebrae, placement, nodes.overrides)
            run.start(prepare, file_names(nodes))
        except Exception as error:
            self._run = None
            raise SpineError(self._explained(error, "writing of the inputs")) from error

    def cancel(self) -> None:
        """Ask the run to stop; `ended` follows."""
        if self._loading is not None:
            self._stop_loading()
            self._end(CANCELLED)
        elif self._run is not None:
            self._run.cancel()

    def close(self) -> None:
        """End the run with its whole process tree, without signals, and delete all files that were kept."""
        self._stop_loading()
        if self._run is not None:
            self._run.stop()
            self._run = None
        self.kept.clear()

    def _load(self, finished: Finished, asked: _Asked) -> None:
        """Begin to load what a run has found."""
        try:
            folder = taken_over(finished.results)
        except OSError as error:
            self._end(Ending("failed", self._explained(error, "loading of the results")))
            return
        self._run = None
        self._loading = self._loading_steps(folder, finished.failure, asked)
        self._go_on()

    def _go_on(self) -> None:
        """The next step of loading, unless it was stopped meanwhile."""
        if self._loading is not None:
            with suppress(StopIteration):
                next(self._loading)
                self._later(self._go_on)

    def _stop_loading(self) -> None:
        loading, self._loading = self._loading, None
        if loading is not None:
            loading.close()

    def _loading_steps(
        self, folder: OwnedFolder, failure: str | None, asked: _Asked
    ) -> Generator[None, None, None]:
        """Load the results file by file; the scene changes in the last step, or not at all."""
        loaded = False
        try:
            files = yield from reading_steps(folder.path / RESULTS, wanted_volumes(asked.outputs))
            vertebrae = yield from moving_steps(files, asked.at_start)
            sources, outputs = self._present_sources(asked), self._present_outputs(asked.outputs)
            result = put_into_scene(self._scene, files, vertebrae, sources, outputs)
            loaded = True
        except Exception as error:
            self._end(Ending("failed", self._explained(error, "loading of the results")))
            return
        finally:
            if not loaded:
                folder.remove()
        self.kept.keep(result.table, folder)
        result.table.SetAttribute(FAILURE, failure)
        result.table.SetAttribute(WARNINGS, json.dumps(asked.warnings))
        if sources.parameter_set is not None:
            remember(result, asked.parameters)
        if failure is not None:
            self._end(Ending("unsafe", f"Do not use without checking: {failure}", result))
        else:
            self._end(Ending("done", "Registered.", result))

    def _end(self, ending: Ending) -> None:
        self._run = self._loading = None
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

    def _present_sources(self, asked: _Asked) -> SourceNodes:
        """The inputs without nodes that were deleted during the run."""
        nodes = asked.nodes
        ct, mr, vertebrae = (self._present(node) for node in (nodes.ct, nodes.mr, nodes.vertebrae))
        parameter_set = self._present(node_of(asked.parameters))
        return SourceNodes(ct, mr, vertebrae, asked.placement, asked.at_start, parameter_set)

    def _present_outputs(self, outputs: Outputs) -> Outputs:
        """The outputs without nodes that were deleted during the run; new ones are made instead."""
        nodes = {name: node for name, node in outputs.nodes.items() if self._present(node) is not None}
        return Outputs(outputs.wanted, nodes, self._present(outputs.table))
