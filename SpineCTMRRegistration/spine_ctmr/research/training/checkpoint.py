"""Training state on disk: written atomically, read without executing anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ...process.whole_file import whole_file

Weights = dict[str, Tensor]


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values so that `path` is always a whole file."""
    with whole_file(path) as stream:
        torch.save(state, stream)


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_atomically` wrote, on the CPU."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such checkpoint; check the run's folder.") from error
    except Exception as error:
        raise InputError(f"{path}: the checkpoint cannot be read; start the run again.") from error
    if not isinstance(state, dict):
        raise InputError(f"{path}: not a checkpoint of this trainer; check the run's folder.")
    return state


def load_weights(path: Path) -> Weights:
    """Weights of a network file, on the CPU.

    Raises:
        InputError: it cannot be read.
    """
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:
        raise InputError(f"{path}: the weights cannot be read; check the file.") from error


def random_state() -> dict[str, Any]:
    """State of torch's random generators."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def restore_random_state(state: dict[str, Any]) -> None:
    """Continue from `random_state`."""
    torch.set_rng_state(state["cpu"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
