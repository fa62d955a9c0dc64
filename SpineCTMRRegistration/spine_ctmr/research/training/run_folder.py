"""The files of a training run."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from ...errors import InputError
from ...network.find_network import BEST, LAST
from .batch import TrainingData
from .checkpoint import save_atomically
from .recipe import Recipe
from .run_log import RunLog
from .state import TrainingState, packed
from .validation import Measures, validate
from .workers import Workers

MILESTONE, RECIPE = "milestone.pt", "recipe.json"


def holds_run(path: Path) -> bool:
    """Whether there is a run that can be resumed."""
    return (path / LAST).exists()


def require_new_or_resumed(path: Path, resume: bool) -> None:
    """Refuse to begin where a run already is.

    Raises:
        InputError: the folder holds a run that is not to be resumed.
    """
    if holds_run(path) and not resume:
        raise InputError(f"{path}: already holds a training run; resume it or choose another folder.")


class RunFolder:
    """Logs, validations and checkpoints of one run, in step with its state.

    Args:
        path: an existing folder.
        recipe: written to recipe.json.
        state: being trained.
        workers: the process that writes.
    """

    def __init__(self, path: Path, recipe: Recipe, state: TrainingState, workers: Workers) -> None:
        self.path, self._recipe, self._state, self._workers = path, recipe, state, workers
        (path / RECIPE).write_text(json.dumps(recipe.to_dict(), indent=2), encoding="utf-8")

    def __enter__(self) -> RunFolder:
        losses = dict.fromkeys((*self._recipe.loss, *self._recipe.rigidity))
        low = ("bfloat16",) if self._recipe.precision == "bfloat16" else ()
        columns = ("loss", *losses, "learning_rate", *low, "seconds")
        measures = (*(f.name for f in fields(Measures)), "seconds")
        with ExitStack() as files:
            done = self._state.steps_done
            self._steps = files.enter_context(RunLog(self.path / "steps.csv", columns, done))
            self._validations = files.enter_context(RunLog(self.path / "validation.csv", measures, done))
            self._files = files.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def keep(self, data: TrainingData, values: dict[str, float], stopping: bool) -> None:
        """Write what the step just done asks for.

        Args:
            data: with validation batches.
            values: logged values of the step.
            stopping: write a checkpoint whatever the step.
        """
        recipe, step = self._recipe, self._state.steps_done
        self._steps.write(step, **values)
        if step == recipe.steps or step % recipe.validation_interval == 0:
            self._validate(data)
        if step == recipe.first_rigidity_step < recipe.steps:
            if recipe.rigidity:
                self._state.best_score = float("inf")  # that was of other losses
            save_atomically(self._packed(), self.path / MILESTONE)
        if stopping or step == recipe.steps or step % recipe.checkpoint_interval == 0:
            save_atomically(self._packed(), self.path / LAST)

    def _packed(self) -> dict[str, Any]:
        return packed(self._recipe, self._state, self._workers)

    def _validate(self, data: TrainingData) -> None:
        began = time.perf_counter()
        state = self._state
        measures = validate(self._recipe, state, data, self._workers.device)
        self._validations.write(state.steps_done, **asdict(measures), seconds=time.perf_counter() - began)
        if measures.score < state.best_score:
            state.best_score = measures.score
            best = {"weights": state.average, "step": state.steps_done, "errors": asdict(measures)}
            learned = {"recipe": json.dumps(self._recipe.to_dict()), "data": data.description}
            save_atomically({**best, **learned, "began_with": state.began_with}, self.path / BEST)
