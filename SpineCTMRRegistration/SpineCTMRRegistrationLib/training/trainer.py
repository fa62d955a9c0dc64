"""Train a velocity network from a recipe, resumable at any step with the same outcome."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import Cancelled, InputError
from ..network.unet import VelocityUNet
from ..progress import Progress, silent
from .batch import Batch, TrainingData
from .checkpoint import (
    load_state,
    random_state,
    restore_random_state,
    save_atomically,
)
from .loss_curve import draw_loss_curve
from .objective import FieldErrors, field_errors, loss_terms
from .recipe import Recipe
from .run_log import RunLog
from .schedule import learning_rate, update_average

LAST, BEST = "last.pt", "best.pt"
MAY_CHANGE = ("steps", "validation_interval", "checkpoint_interval")
"""Recipe keys that a resumed run may change."""


@dataclass
class TrainingState:
    """All that changes while training.

    Attributes:
        model: the network being optimised.
        optimiser: Adam.
        average: exponential moving average of the model's weights.
        steps_done: training steps completed.
        best_mm: lowest validation score so far.
    """

    model: VelocityUNet
    optimiser: torch.optim.Adam
    average: dict[str, Tensor]
    steps_done: int = 0
    best_mm: float = float("inf")


def train(
    recipe: Recipe,
    run_dir: Path,
    data: TrainingData,
    resume: bool = False,
    progress: Progress = silent,
    device: str = "cpu",
    initial: Path | None = None,
) -> Path:
    """Train, and return the path of the best checkpoint (averaged weights, lowest validation error).

    Writes to `run_dir`: recipe.json, steps.csv, validation.csv, last.pt, best.pt, loss.png. On SIGTERM or
    SIGINT the step is finished, last.pt written and `Cancelled` raised; with `resume` the run goes on as
    if it had never stopped.

    Args:
        recipe: what to train.
        run_dir: created where missing.
        data: training and validation batches on the recipe's grid.
        resume: continue from last.pt if there is one.
        progress: told after every step.
        device: "cpu" or "cuda".
        initial: checkpoint whose averaged weights a new run starts from.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    state = _initial_state(recipe, torch.device(device))
    if (run_dir / LAST).exists():
        if not resume:
            raise InputError(f"{run_dir}: already holds a training run; resume it or choose another folder.")
        _restore(state, recipe, run_dir / LAST)
    elif initial is not None:
        weights = load_state(initial)["weights"]
        state.model.load_state_dict(weights)
        state.average.update({name: value.clone() for name, value in weights.items()})
    (run_dir / "recipe.json").write_text(json.dumps(recipe.to_dict(), indent=2), encoding="utf-8")
    losses = tuple(name for name, weight in asdict(recipe.loss).items() if weight > 0)
    with (
        _stop_requests() as stop,
        RunLog(
            run_dir / "steps.csv", ("loss", *losses, "learning_rate", "seconds"), state.steps_done
        ) as steps,
        RunLog(run_dir / "validation.csv", _VALIDATION_COLUMNS, state.steps_done) as validations,
    ):
        while state.steps_done < recipe.steps:
            began = time.perf_counter()
            values = training_step(recipe, state, data.sample(state.steps_done))
            steps.write(state.steps_done, **values, seconds=time.perf_counter() - began)
            last = state.steps_done == recipe.steps
            if last or state.steps_done % recipe.validation_interval == 0:
                _validate(recipe, state, data, run_dir, validations)
            if last or stop.is_set() or state.steps_done % recipe.checkpoint_interval == 0:
                save_atomically(_packed(recipe, state), run_dir / LAST)
            progress("training", state.steps_done / recipe.steps)
            if stop.is_set() and not last:
                raise Cancelled(
                    f"{run_dir}: training stopped after step {state.steps_done}; resume to go on."
                )
    draw_loss_curve(run_dir)
    return run_dir / BEST


def training_step(recipe: Recipe, state: TrainingState, batch: Batch) -> dict[str, float]:
    """One optimiser step; returns the loss terms and the learning rate."""
    rate = learning_rate(recipe, state.steps_done)
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    batch = batch.to(next(state.model.parameters()).device)
    velocity = _velocity(recipe, state.model, batch)
    terms = loss_terms(velocity, batch, recipe.spacing_mm, recipe.loss)
    weights = asdict(recipe.loss)
    loss = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(state.model.parameters(), recipe.gradient_clip)
    if torch.isfinite(norm):
        state.optimiser.step()
    update_average(state.average, dict(state.model.named_parameters()), recipe.ema_decay, state.steps_done)
    state.steps_done += 1
    return {"loss": loss.item(), **{k: v.item() for k, v in terms.items()}, "learning_rate": rate}


def validation_errors(recipe: Recipe, state: TrainingState, data: TrainingData) -> FieldErrors:
    """Errors of the averaged weights, mean over the validation batches."""
    device = next(state.model.parameters()).device
    own = {name: value.detach().clone() for name, value in state.model.named_parameters()}
    state.model.load_state_dict(state.average)
    try:
        with torch.inference_mode():
            batches = [batch.to(device) for batch in data.validation()]
            errors = [field_errors(_velocity(recipe, state.model, b), b, recipe.spacing_mm) for b in batches]
    finally:
        state.model.load_state_dict(own)
    rows = torch.tensor([list(asdict(e).values()) for e in errors], dtype=torch.float64)
    return FieldErrors(*(float(v) for v in rows.mean(0)))


_VALIDATION_COLUMNS = ("bone_mm", "soft_mm", "zero_bone_mm", "zero_soft_mm", "seconds")


def _validate(recipe: Recipe, state: TrainingState, data: TrainingData, run_dir: Path, log: RunLog) -> None:
    began = time.perf_counter()
    errors = validation_errors(recipe, state, data)
    log.write(state.steps_done, **asdict(errors), seconds=time.perf_counter() - began)
    if errors.score_mm < state.best_mm:
        state.best_mm = errors.score_mm
        best = {"weights": state.average, "step": state.steps_done, "errors": asdict(errors)}
        save_atomically({**best, "recipe": json.dumps(recipe.to_dict())}, run_dir / BEST)


def _velocity(recipe: Recipe, model: VelocityUNet, batch: Batch) -> Tensor:
    low = recipe.precision == "bfloat16"
    images = batch.images.to(memory_format=_memory_format(recipe, batch.fixed.device))
    with torch.autocast(images.device.type, torch.bfloat16, enabled=low):
        velocity: Tensor = model(images)
    return velocity.float().contiguous()


def _initial_state(recipe: Recipe, device: torch.device) -> TrainingState:
    torch.manual_seed(recipe.seed)
    model = VelocityUNet(recipe.velocity_scale_mm).to(device)
    model = model.to(memory_format=_memory_format(recipe, device))  # type: ignore[call-overload]
    average = {name: value.detach().clone() for name, value in model.named_parameters()}
    return TrainingState(model, torch.optim.Adam(model.parameters(), recipe.learning_rate), average)


def _memory_format(recipe: Recipe, device: torch.device) -> torch.memory_format:
    """Channels last is faster on CUDA and in bfloat16, and much slower in float32 on a CPU."""
    fast = device.type == "cuda" or recipe.precision == "bfloat16"
    return torch.channels_last_3d if fast else torch.contiguous_format


def _packed(recipe: Recipe, state: TrainingState) -> dict[str, Any]:
    return {
        "model": state.model.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "average": state.average,
        "step": state.steps_done,
        "best_mm": state.best_mm,
        "random": random_state(),
        "recipe": json.dumps(recipe.to_dict()),
    }


def _restore(state: TrainingState, recipe: Recipe, path: Path) -> None:
    saved = load_state(path)
    before, now = json.loads(saved["recipe"]), json.loads(json.dumps(recipe.to_dict()))
    for key in now:
        if key not in MAY_CHANGE and before.get(key) != now[key]:
            raise InputError(f"{path}: was trained with another '{key}'; resume with the same recipe.")
    state.model.load_state_dict(saved["model"])
    state.optimiser.load_state_dict(saved["optimiser"])
    for name, value in saved["average"].items():
        state.average[name].copy_(value)
    state.steps_done, state.best_mm = saved["step"], saved["best_mm"]
    restore_random_state(saved["random"])


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """An event set by SIGTERM or SIGINT; the previous handlers return afterwards."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    kinds = (signal.SIGTERM, signal.SIGINT)
    before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in kinds}
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
