"""A spine of three analytic bones, seen by a CT and, after known motions, by an MR of opposite contrast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.vertebrae.matching import Scene
from spine_ctmr.vertebrae.placed_scene import PlacedScene

torch.set_num_threads(1)  # the tensors are small, and waiting for busy cores is slower

Array = NDArray[np.float64]
CENTERS = {20: np.array([0.0, 0, 24]), 21: np.array([1.0, 1, 0]), 22: np.array([0.0, 2, -24])}
CORNERS = np.array([(x, y, z) for x in (-26.0, 26) for y in (-16.0, 36) for z in (-38.0, 38)])


def _depth(points: Array) -> Array:
    """About the depth in mm (n,) inside a bone centred at the origin: body, spine and two wings."""

    def ellipsoid(center: tuple[float, float, float], radii: tuple[float, float, float]) -> Array:
        share = np.linalg.norm((points - center) / np.array(radii), axis=-1)
        return (1 - share) * min(radii)

    parts = [
        ellipsoid((0, 0, 0), (15, 11, 9)),
        ellipsoid((0, 17, -2), (3.5, 10, 5)),
        ellipsoid((-13, 10, 3), (8, 4, 3.5)),
        ellipsoid((13, 11, 1), (9, 3.5, 4)),
    ]
    return np.max(parts, axis=0)


@dataclass(frozen=True)
class Spine:
    """Both images as functions of LPS points.

    Attributes:
        poses: true CT→MR motions in LPS mm.
    """

    poses: Mapping[int, Pose]

    def ct(self, points: Array) -> tuple[Array, NDArray[np.uint8]]:
        """HU (n,) and labels (n,) at CT points (n, 3)."""
        depths = {n: _depth(points - c) for n, c in CENTERS.items()}
        deepest = np.max(list(depths.values()), axis=0)
        labels = np.zeros(len(points), np.uint8)
        for number, depth in depths.items():
            labels[depth > 0] = number
        return 40 + 500 * np.clip(deepest / 1.5 + 0.5, 0, 1), labels

    def mr(self, points: Array) -> Array:
        """Signal (n,) at MR points (n, 3)."""
        depths = [_depth(self.poses[n].inverse.apply(points) - c) for n, c in CENTERS.items()]
        return 400 - 330 * np.clip(np.max(depths, axis=0) / 1.5 + 0.5, 0, 1)

    def error_mm(self, number: int, pose: Pose) -> float:
        """Mean distance in mm between a bone moved by `pose` and by the truth."""
        points = CENTERS[number] + np.random.default_rng(0).normal(0, [9, 9, 6], (300, 3))
        return float(np.linalg.norm(pose.apply(points) - self.poses[number].apply(points), axis=1).mean())


@dataclass(frozen=True)
class Seen:
    """The images of a moved spine, whose CT lies where it was scanned."""

    spine: Spine
    place: PlacedScene


def look(poses: Mapping[int, Pose], noise: float = 0.04, spacing_mm: float = 1.0, seed: int = 0) -> Seen:
    """Both images of a moved spine on one box, with noise relative to their contrast."""
    spine, rng = Spine(poses), np.random.default_rng(seed)
    box = Grid.around(CORNERS, spacing_mm, 6.0)
    points = box.points().reshape(-1, 3)
    hu, labels = spine.ct(points)
    images = [
        torch.tensor((v + rng.normal(0, noise * np.ptp(v), len(v))).reshape(box.shape), dtype=torch.float32)
        for v in (hu, spine.mr(points))
    ]
    everywhere = torch.ones(box.shape, dtype=torch.bool)
    scene = Scene(images[1], images[0], everywhere, everywhere, labels.reshape(box.shape), spacing_mm)
    return Seen(spine, PlacedScene(scene, box, Pose.identity(), CENTERS))


@pytest.fixture(scope="session")
def look_at() -> Callable[..., Seen]:
    """Makes scenes: see `look`."""
    return look


@pytest.fixture(scope="session")
def centers() -> dict[int, Array]:
    """Centres of the bones in the CT, LPS mm."""
    return CENTERS


@pytest.fixture(scope="session")
def make_spine() -> Callable[[Mapping[int, Pose]], Spine]:
    """The images of a moved spine as functions."""
    return Spine
