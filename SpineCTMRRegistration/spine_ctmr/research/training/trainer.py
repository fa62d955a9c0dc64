"""Train a registration network from a recipe, resumable at any step with the same outcome."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from ...errors import Cancelled
from ...network.find_network import BEST, LAST
from ...progress import Progress, silent
from .acting import require_losses_can_act
from .batch import TrainingData
from .loss_curve import draw_loss_curve
from .loss_terms import evaluate, total
from .outcome import Outcome
from .precision import FELL_BACK, uses_bfloat16
from .recipe import Recipe
from .run_folder import MILESTONE, RunFolder, holds_run, require_new_or_resumed
from .schedule import update_average
from .state import TrainingState, begin_at_milestone, begin_with_weights, new_state, predicted_motion, restore
from .stopping import stop_requests
from .workers import Workers, joined_workers


def train(
    recipe: Recipe,
    run_dir: Path,
    data: TrainingData,
    resume: bool = False,
    progress: Progress = silent,
    device: str = "cpu",
    warm_start: Path | None = None,
    weights: Path | None = None,
    warn: Callable[[str], object] = warnings.warn,
) -> Path:
    """Train, and return the path of the best checkpoint (averaged weights, lowest validation score).

    Writes to `run_dir`: recipe.json, steps.csv, validation.csv, last.pt, best.pt, loss.png, and
    milestone.pt where the rigidity stage begins. On SIGTERM or SIGINT the step is finished, last.pt
    written and `Cancelled` raised; with `resume` the run goes on as if it had never stopped. Started by
    `torchrun`, the processes share the steps: each takes other samples, and gradients are averaged.

    Args:
        recipe: what to train.
        run_dir: created where missing.
        data: training and validation batches on the recipe's grid.
        resume: continue from last.pt if there is one; a new run begins where there is none.
        progress: told after every step.
        device: "cpu" or "cuda".
        warm_start: folder of a run of the same recipe with other rigidity terms; a new run begins with its
            milestone, as if it had trained to there itself.
        weights: checkpoint of a run with the same network, whose averaged weights a new run begins with.
        warn: told in one sentence where the machine cannot compute what the recipe asks for.

    Raises:
        InputError: the run exists, or does not fit the recipe or the patients, the data lacks what a loss
            needs, or a loss depends on no motion.
        Cancelled: a signal asked to stop.
    """
    with joined_workers(device) as workers, stop_requests() as stop:
        run_dir.mkdir(parents=True, exist_ok=True)
        begins = not holds_run(run_dir)
        state = _first_state(recipe, run_dir, data, workers, resume, warm_start, weights)
        if begins:
            require_losses_can_act(recipe, state.model.margin, data)
        if recipe.precision == "bfloat16" and not uses_bfloat16(recipe, state.model):
            warn(FELL_BACK)
        with RunFolder(run_dir, recipe, state, workers) if workers.writes else nullcontext() as folder:
            while state.steps_done < recipe.steps:
                began = time.perf_counter()
                values = training_step(recipe, state, data, workers)
                seconds = time.perf_counter() - began
                stopping = workers.any(stop.is_set())
                if folder is not None:
                    folder.keep(data, {**values, "seconds": seconds}, stopping)
                    progress("training", state.steps_done / recipe.steps)
                if stopping and state.steps_done < recipe.steps:
                    raise Cancelled(
                        f"{run_dir}: training stopped after step {state.steps_done}; resume to go on."
                    )
        if workers.writes:
            draw_loss_curve(run_dir)
    return run_dir / BEST


def training_step(
    recipe: Recipe, state: TrainingState, data: TrainingData, workers: Workers
) -> dict[str, float]:
    """One optimiser step; returns the loss and its terms, means over the processes, and how it was done.

    The sample of process r of n at step s is number s * n + r of the data.
    """
    rate = recipe.optimisation.rate_at(state.steps_done, recipe.steps)
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    batch = data.sample(state.steps_done * workers.count + workers.rank).to(workers.device)
    motion = predicted_motion(recipe, state.shared, state.model, batch)
    terms = recipe.terms_at(state.steps_done)
    values = evaluate(terms, Outcome(batch, motion, recipe.spacing_mm))
    loss = total(terms, values)
    if loss.requires_grad:
        descend(state, loss, recipe.gradient_clip)
    update_average(state.average, state.model, recipe.ema_decay, state.steps_done)
    state.steps_done += 1
    logged = workers.mean(torch.stack([loss, *values.values()]).detach()).tolist()
    how = {"learning_rate": rate, "bfloat16": float(uses_bfloat16(recipe, state.model))}
    return {**dict(zip(("loss", *values), logged, strict=True)), **how}


def descend(state: TrainingState, loss: Tensor, gradient_clip: float) -> None:
    """Move the weights once; not where the gradient is not finite."""
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(state.model.parameters(), gradient_clip)
    if torch.isfinite(norm):
        state.optimiser.step()


def _first_state(
    recipe: Recipe,
    run_dir: Path,
    data: TrainingData,
    workers: Workers,
    resume: bool,
    warm_start: Path | None,
    weights: Path | None,
) -> TrainingState:
    require_new_or_resumed(run_dir, resume)
    state = new_state(recipe, workers)
    state.patients = data.patients
    if holds_run(run_dir):
        restore(state, recipe, run_dir / LAST, workers)
    elif warm_start is not None:
        begin_at_milestone(state, recipe, warm_start / MILESTONE, workers)
    elif weights is not None:
        begin_with_weights(state, weights)
    return state
