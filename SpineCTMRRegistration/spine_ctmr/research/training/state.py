"""All that changes while training, and how it is kept on disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import InputError
from ...network.motion import Motion, RegistrationNetwork
from .batch import Batch
from .checkpoint import Weights, load_state, load_weights, random_state, restore_random_state
from .precision import uses_bfloat16
from .recipe import Recipe, recipe_of
from .workers import Workers

MAY_CHANGE = ("steps", "validation_interval", "checkpoint_interval")
"""Recipe keys that a resumed run may change; `steps` only without a rigidity stage."""
DIFFERS_AFTER_MILESTONE = ("name", "rigidity", "crop", *MAY_CHANGE[1:])
"""Recipe keys that may differ after the milestone: they do not count before it, or let penalties see more."""


@dataclass
class TrainingState:
    """All that changes while training.

    Attributes:
        model: the network being optimised.
        shared: the same, with gradients averaged over all processes.
        optimiser: of its weights.
        average: exponential moving average of the model's weights; its buffers as they are.
        steps_done: training steps completed.
        best_score: lowest validation score so far.
        patients: fingerprint of the patients that it learns from and is validated on; see `TrainingData`.
        began_with: name and hash of the file whose weights it began with; empty where they were random.
    """

    model: RegistrationNetwork
    shared: nn.Module
    optimiser: torch.optim.Optimizer
    average: dict[str, Tensor]
    steps_done: int = 0
    best_score: float = float("inf")
    patients: str = ""
    began_with: str = ""


def new_state(recipe: Recipe, workers: Workers) -> TrainingState:
    """A state with random weights, a function of the recipe's seed."""
    torch.manual_seed(recipe.seed)
    model = recipe.network.build().to(workers.device)
    memory_format = _memory_format(workers.device, uses_bfloat16(recipe, model))
    model = model.to(memory_format=memory_format)  # type: ignore[call-overload]
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    optimiser = recipe.optimisation.build(model.parameters())
    return TrainingState(model, workers.share(model), optimiser, average)


def predicted_motion(recipe: Recipe, layers: nn.Module, model: RegistrationNetwork, batch: Batch) -> Motion:
    """The motion that a network gives for a batch, in full precision.

    Args:
        recipe: with the precision of the layers; float32 where the machine cannot compute them in bfloat16.
        layers: the network, or the network as it is shared between processes.
        model: the network.
        batch: on the network's device.
    """
    device, low = batch.fixed.device, uses_bfloat16(recipe, model)
    images = batch.images.to(memory_format=_memory_format(device, low))
    with torch.autocast(device.type, torch.bfloat16, enabled=low):
        output = layers(images)
    return model.motion(_full_precision(output), recipe.spacing_mm)


def packed(recipe: Recipe, state: TrainingState, workers: Workers) -> dict[str, Any]:
    """The state as tensors and plain values."""
    return {
        "model": state.model.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "average": state.average,
        "step": state.steps_done,
        "best_score": state.best_score,
        "patients": state.patients,
        "began_with": state.began_with,
        "random": random_state(),
        "processes": workers.count,
        "recipe": json.dumps(recipe.to_dict()),
    }


def restore(state: TrainingState, recipe: Recipe, path: Path, workers: Workers) -> None:
    """Continue a run from its own checkpoint.

    Raises:
        InputError: the checkpoint is damaged, or of another recipe, number of processes or other patients.
    """
    fixed_length = ("steps",) if recipe.rigidity else ()
    _load(state, recipe, path, workers, set(MAY_CHANGE) - set(fixed_length))


def begin_at_milestone(state: TrainingState, recipe: Recipe, path: Path, workers: Workers) -> None:
    """Begin at the rigidity stage from the milestone of a run that equals this one up to there.

    Raises:
        InputError: the milestone is missing, damaged, or of a run that differs before the stage or of other
            patients.
    """
    _load(state, recipe, path, workers, set(DIFFERS_AFTER_MILESTONE))
    state.best_score = float("inf")


def begin_with_weights(state: TrainingState, path: Path) -> None:
    """Begin with the averaged weights of a checkpoint, or those of a network file, and nothing else of it.

    Raises:
        InputError: the file is damaged, no checkpoint or of another network.
    """
    weights = first_weights(path)
    sizes = {name: value.shape for name, value in state.average.items()}
    if {name: value.shape for name, value in weights.items()} != sizes:
        raise InputError(f"{path}: has the weights of another network; choose a run with the same one.")
    state.model.load_state_dict(weights)
    for name, value in weights.items():
        state.average[name].copy_(value)
    state.began_with = f"{path.name} (SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()})"


def first_weights(path: Path) -> Weights:
    """The averaged weights of a checkpoint, such as best.pt or last.pt of a run, or those of a network file.

    Raises:
        InputError: the file is damaged or no checkpoint.
    """
    if path.suffix == ".safetensors":
        return load_weights(path)
    saved = load_state(path)
    weights: Weights | None = saved.get("weights", saved.get("average"))
    if weights is None:
        raise InputError(f"{path}: holds no averaged weights; choose best.pt or last.pt of a run.")
    return weights


def _load(state: TrainingState, recipe: Recipe, path: Path, workers: Workers, may_change: set[str]) -> None:
    saved = load_state(path)
    recipes = recipe_of(json.loads(saved["recipe"])), recipe  # keys that are newer get their defaults
    before, now = (json.loads(json.dumps(one.to_dict())) for one in recipes)
    for key in before | now:
        if key not in may_change and before.get(key) != now.get(key):
            raise InputError(f"{path}: was trained with another '{key}'; use the same recipe.")
    if saved.get("patients", state.patients) != state.patients:
        raise InputError(
            f"{path}: was trained or validated on other patients; give the same ones, or begin a new run."
        )
    if saved["processes"] != workers.count:
        raise InputError(f"{path}: was trained by {saved['processes']} processes; use as many.")
    state.model.load_state_dict(saved["model"])
    state.optimiser.load_state_dict(saved["optimiser"])
    for name, value in saved["average"].items():
        state.average[name].copy_(value)
    state.steps_done, state.best_score = saved["step"], saved["best_score"]
    state.began_with = saved.get("began_with", "")
    restore_random_state(saved["random"])


def _full_precision(output: Any) -> Any:
    if isinstance(output, tuple):
        return tuple(_full_precision(part) for part in output)
    return output.float().contiguous()


def _memory_format(device: torch.device, low: bool) -> torch.memory_format:
    """Channels last is faster on CUDA and in bfloat16 (`low`), and much slower in float32 on a CPU."""
    return torch.channels_last_3d if device.type == "cuda" or low else torch.contiguous_format
