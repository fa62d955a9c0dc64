"""Time and memory of a network, in a process of its own."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import torch

from ....process.memory import peak_memory_mb
from ...training.batch import Batch
from ...training.recipe import Recipe, recipe_of
from ...training.state import predicted_motion
from .methods import voxels_across
from .patients import SIZE


@dataclass(frozen=True)
class Cost:
    """Of registering one pair of the size that is measured, on one thread.

    Attributes:
        parameters: weights of the network.
        cpu_s: seconds of CPU time, user and system.
        memory_mb: what the peak of the process grew by, with images, network and displacement.
    """

    parameters: int
    cpu_s: float
    memory_mb: float | None


def network_cost(recipe: Recipe) -> Cost:
    """Of a network with random weights, which cost as much as trained ones."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, recipe.to_dict()).result()


def _measured(values: dict[str, Any]) -> Cost:
    torch.set_num_threads(1)
    recipe = recipe_of(values)
    before = peak_memory_mb()
    model = recipe.network.build().eval()
    shape = [n // voxels_across(recipe) + 2 * model.margin for n in SIZE[::-1]]
    image = torch.rand(1, 1, *shape)
    batch = Batch(image, image.clone(), torch.zeros(image.shape, dtype=torch.int64), image)
    began = time.process_time()
    with torch.inference_mode():
        predicted_motion(recipe, model, model, batch)
    seconds = time.process_time() - began
    after = peak_memory_mb()
    grown = None if before is None or after is None else after - before
    return Cost(sum(weight.numel() for weight in model.parameters()), seconds, grown)
