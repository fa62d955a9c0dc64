"""A patient's anatomy as parameters: every vertebra, disc and soft structure, varied as patients vary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.pose import Pose
from ..imaging.vertebra_names import SACRUM
from .course import Course, course_of
from .scan import TissueScan
from .special_bones import canal_points
from .vertebra import VertebraShape, make_vertebra

Generator = np.random.Generator
_FIRST_SCREWED = 8


@dataclass(frozen=True)
class SoftBlob:
    """An ellipsoid of soft tissue: centre and radii in mm relative to the spine's course, and a tissue."""

    center: tuple[float, float, float]
    radii: tuple[float, float, float]
    tissue: str


@dataclass(frozen=True)
class Body:
    """What surrounds the spine.

    Attributes:
        half_width, half_depth: of the trunk in mm.
        back: from the vertebral bodies' middle to the skin of the back in mm.
        fat: thickness of the subcutaneous fat in mm.
        muscle: size factor of the muscles around the spine.
        fatty: share of the muscles that is fat, 0 to 1.
        blobs: organs, bowel, gas.
        table: whether the patient lies on a visible CT table.
    """

    half_width: float
    half_depth: float
    back: float
    fat: float
    muscle: float
    fatty: float
    blobs: tuple[SoftBlob, ...]
    table: bool


@dataclass(frozen=True)
class Anatomy:
    """A patient in the posture of the CT, LPS mm.

    Attributes:
        vertebrae: shapes from cranial to caudal.
        frames: vertebra frame → LPS mm, in the same order.
        body: what surrounds the spine.
        texture_seed: of the patient's noise.
        scan: a real CT of this patient, which shows all tissue; None for a painted one.
    """

    vertebrae: tuple[VertebraShape, ...]
    frames: tuple[Pose, ...]
    body: Body
    texture_seed: int
    scan: TissueScan | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """VerSe numbers from cranial to caudal."""
        return tuple(v.number for v in self.vertebrae)

    @cached_property
    def centers(self) -> NDArray[Any]:
        """Middles of the bodies (n, 3) in LPS mm."""
        return np.array([f.translation_mm for f in self.frames])

    @cached_property
    def course(self) -> Course:
        """Bodies, canal and trunk as smooth curves along the height."""
        canal = []
        for v, frame in zip(self.vertebrae, self.frames, strict=True):
            places = canal_points(v) if v.number == SACRUM else [(v.canal_center, v.canal_radius)]
            canal += [(frame.apply(np.array(place)), radius) for place, radius in places]
        return course_of(self.centers, self.numbers, canal)


def make_anatomy(rng: Generator, numbers: tuple[int, ...]) -> Anatomy:
    """A random patient with the given levels (cranial to caudal), the stack centred at the origin."""
    scale = float(np.clip(rng.normal(1.0, 0.07), 0.8, 1.2))
    degenerate = float(rng.uniform(0, 1))
    canal_radius = scale * float(rng.uniform(7.0, 8.8))
    shapes = tuple(make_vertebra(rng, n, scale, canal_radius, degenerate) for n in numbers)
    if rng.uniform() < 0.08 and len(shapes) > 2:
        shapes = with_screws(shapes, int(rng.integers(0, len(shapes) - 1)))
    frames = stack(rng, shapes)
    return Anatomy(shapes, frames, make_body(rng, scale, frames), int(rng.integers(2**31)))


def make_body(rng: Generator, scale: float, frames: tuple[Pose, ...]) -> Body:
    """A random body for a spine whose vertebrae have the given frames."""
    fat = float(rng.uniform(6, 35))
    return Body(
        half_width=scale * float(rng.uniform(140, 170)) + 0.7 * fat,
        half_depth=scale * float(rng.uniform(90, 112)) + 0.6 * fat,
        back=scale * float(rng.uniform(66, 74)) + 0.7 * fat,
        fat=fat,
        muscle=scale * float(np.clip(rng.normal(1, 0.1), 0.8, 1.2)),
        fatty=float(rng.uniform(0.02, 0.5)),
        blobs=_organs(rng, frames),
        table=bool(rng.uniform() < 0.7),
    )


def with_screws(shapes: tuple[VertebraShape, ...], first: int, count: int = 2) -> tuple[VertebraShape, ...]:
    """The vertebrae with pedicle screws and rods through `count` of them from index `first`.

    Cervical vertebrae and the sacrum get none; rods hold the joints between the others.
    """
    held = [_FIRST_SCREWED <= v.number != SACRUM and first <= i < first + count for i, v in enumerate(shapes)]
    return tuple(
        replace(v, screws=True, fused_below=v.fused_below or (i + 1 < len(held) and held[i + 1]))
        if held[i]
        else v
        for i, v in enumerate(shapes)
    )


def stack(rng: Generator, shapes: tuple[VertebraShape, ...]) -> tuple[Pose, ...]:
    """Frames of the vertebrae, stacked through the discs with the curves of a spine."""
    bend = {1: -4.0, 2: -4.0, 5: -3.0, 8: 2.0, 13: 4.0, 17: 2.0, 19: -1.0, 21: -5.0, 24: -13.0, 26: -16.0}
    curve = rng.normal(1.0, 0.35)
    side = rng.normal(0, 2.0) if rng.uniform() < 0.7 else rng.normal(0, 6.0)
    phase = rng.uniform(0, 2 * np.pi)
    frames = [Pose.identity()]
    for i, (upper, lower) in enumerate(pairwise(shapes)):
        flexion = curve * np.interp(min(lower.number, SACRUM), list(bend), list(bend.values()))
        flexion += rng.normal(0, 1.5)
        lateral = side * np.cos(phase + i * 0.6) + rng.normal(0, 0.7)
        turn = 0.5 * side * np.sin(phase + i * 0.6) + rng.normal(0, 0.7)
        rotation = Pose.from_rotation(np.radians([-flexion, lateral, turn]), np.zeros(3))
        down = _shift(0, 0, -(upper.height / 2 + upper.disc_below / 2))
        further = _shift(0, 0, -(lower.height / 2 + upper.disc_below / 2))
        frames.append(frames[-1] @ down @ rotation @ further)
    centers = np.array([f.translation_mm for f in frames])
    axis = centers[0] - centers[-1] if len(centers) > 1 else np.array([0, 0, 1.0])
    upright = Pose.fit(np.array([[0, 0, 0], axis / np.linalg.norm(axis)]), [[0, 0, 0], [0, 0, 1]], None, 1e-3)
    shifted = upright @ _shift(*-centers.mean(0))
    return tuple(shifted @ f for f in frames)


def _shift(x: float, y: float, z: float) -> Pose:
    return Pose.of(np.eye(3), (x, y, z))


def _organs(rng: Generator, frames: tuple[Pose, ...]) -> tuple[SoftBlob, ...]:
    heights = [f.translation_mm[2] for f in frames]
    low, high = min(heights) - 70, max(heights) + 40
    blobs = []
    for _ in range(int(rng.integers(36, 60) * (high - low) / 250)):
        center = (rng.uniform(-120, 120), rng.uniform(-150, -38), rng.uniform(low, high))
        radius = rng.uniform(8, 28)
        rx, ry, rz = (float(radius * rng.uniform(0.6, 1.5)) for _ in range(3))
        tissue = str(rng.choice(["organ", "bowel", "bowel", "fluid", "organ", "vessel"]))
        blobs.append(SoftBlob(center, (rx, ry, rz), tissue))
        if tissue == "bowel" and rng.uniform() < 0.5:
            blobs.append(SoftBlob(center, (0.8 * rx, 0.7 * ry, 0.8 * rz), str(rng.choice(["gas", "fluid"]))))
    for side in (-1, 1):
        center = (side * rng.uniform(58, 82), rng.uniform(-25, 5), rng.uniform(low + 60, high))
        radii = (rng.uniform(22, 30), rng.uniform(22, 32), rng.uniform(45, 60))
        blobs.append(SoftBlob(center, radii, "kidney"))
    return tuple(blobs)
