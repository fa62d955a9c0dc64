"""The refinement and the checks of the poses stay on the device that they were given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from pretended_gpu import GPU, PretendedGpu
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.process.device import Processor
from spine_ctmr.vertebrae.placed_scene import PlacedScene
from spine_ctmr.vertebrae.refinement import RefinementOptions, Stage, refine_poses
from spine_ctmr.vertebrae.spine_match import SpineMatch

pytestmark = pytest.mark.slow
HEAVY = {"grid_sampler_3d", "index_select", "index_add_", "_linalg_solve_ex", "exp"}
OPTIONS = RefinementOptions((Stage(4, 200, 2, 1, 2), Stage(2, 300, 2, 1, 1, 0.3)))


@dataclass(frozen=True)
class Judged:
    """Everything that is found of vertebrae whose bones press on each other at the start."""

    numbers: list[float]
    gpu: PretendedGpu


@pytest.fixture(scope="module")
def place(look_at: Callable[..., Any], centers: dict[int, Any]) -> PlacedScene:
    """Bones moved by 2 mm."""
    moved = {
        n: Pose.from_rotation([0.03, 0.0, 0.01 * k], [2, -1, 1], c)
        for k, (n, c) in enumerate(centers.items())
    }
    return look_at(moved, spacing_mm=2.0).place


def _judged(
    place: PlacedScene, device: str, notices: list[str], memory_bytes: float = float("inf")
) -> Judged:
    pressed = {
        20: Pose.from_rotation([0, 0, 0], [0, 0, -9.0]),
        22: Pose.from_rotation([0, 0, 0], [0, 0, 9.0]),
    }
    processor = Processor(device, notices.append)
    with PretendedGpu(memory_bytes) as gpu:
        vertebrae = processor.run("it", lambda where: refine_poses(place.to(where), [pressed, {}], OPTIONS))
        match = SpineMatch(place, vertebrae, processor)
        found = match.judged().values()
        shift = match.shift
    assert shift is not None
    rows = [[*v.pose.matrix.ravel(), *(getattr(v, k) for k in MEASURES)] for v in found]
    return Judged([*np.ravel(rows), shift.residual_ratio], gpu)


MEASURES = (
    *("residual_before", "residual_after", "spread_mm", "visible_share", "neighbour_disagreement_mm"),
    *("uncertainty_mm", "uncertainty_deg", "match_ratio", "stretch_mm"),
)


@pytest.fixture(scope="module")
def here(place: PlacedScene) -> Judged:
    """Without a GPU."""
    return _judged(place, "cpu", [])


def test_refinement_stays_on_its_device(place: PlacedScene, here: Judged) -> None:
    notices: list[str] = []
    there = _judged(place, GPU.type, notices)
    assert there.numbers == here.numbers
    assert np.isfinite(here.numbers).all()
    assert there.gpu.done >= HEAVY
    assert not there.gpu.done_beside & HEAVY
    assert notices == []


def test_too_little_memory_on_the_way(place: PlacedScene, here: Judged) -> None:
    """The MR's descriptors at the finer resolution are too large."""
    notices: list[str] = []
    size = replace(place.scene).lattice(2).mr_descriptors.nbytes
    there = _judged(place, GPU.type, notices, size - 1)
    assert there.numbers == here.numbers
    assert there.gpu.done
    assert len(notices) >= 1
    assert all("CPU" in notice for notice in notices)
