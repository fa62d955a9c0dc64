"""A patient's anatomy as parameters: every vertebra, disc and soft structure, varied as patients vary."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...alignment import rigid

Generator = np.random.Generator

# Typical adult sizes in mm at anchor levels (VerSe numbers), interpolated between:
# number, body width, body depth, body height, disc height, transverse half span, spinous length
_SIZES = np.array(
    [
        [1, 16.0, 12.0, 9.0, 2.0, 34.0, 8.0],
        [2, 17.0, 15.0, 17.0, 4.0, 26.0, 18.0],
        [5, 18.0, 16.0, 13.0, 5.0, 26.0, 16.0],
        [7, 22.0, 17.0, 14.0, 5.5, 32.0, 32.0],
        [8, 26.0, 18.0, 16.5, 4.5, 36.0, 34.0],
        [13, 28.0, 25.0, 19.0, 4.5, 31.0, 36.0],
        [19, 39.0, 31.0, 24.0, 6.5, 26.0, 24.0],
        [20, 41.0, 32.0, 26.0, 8.5, 37.0, 27.0],
        [22, 45.0, 34.0, 27.5, 10.5, 44.0, 29.0],
        [24, 50.0, 35.0, 27.0, 11.0, 44.0, 22.0],
        [25, 51.0, 35.0, 26.0, 11.0, 45.0, 20.0],
        [26, 48.0, 30.0, 28.0, 10.0, 45.0, 18.0],
    ]
)
SACRUM = 26


@dataclass(frozen=True)
class VertebraShape:
    """One vertebra in its own frame: origin in the body's centre, x left, y posterior, z cranial (mm)."""

    number: int
    width: float
    depth: float
    height: float
    disc_below: float
    half_span: float
    spinous: float
    wedge: float
    canal_radius: float
    asymmetry: NDArray[Any]
    osteophytes: tuple[tuple[tuple[float, float, float], float], ...]
    wave_vectors: NDArray[Any]
    wave_phases: NDArray[Any]
    screws: bool = False
    cement: tuple[float, float, float] | None = None

    @property
    def canal_center(self) -> tuple[float, float, float]:
        """Middle of the vertebral canal in the vertebra's frame."""
        return 0.0, self.depth / 2 + self.canal_radius * 0.85, 0.0


@dataclass(frozen=True)
class SoftBlob:
    """An ellipsoid of soft tissue: centre and radii in mm relative to the spine's course, and a tissue."""

    center: tuple[float, float, float]
    radii: tuple[float, float, float]
    tissue: str


@dataclass(frozen=True)
class Anatomy:
    """A patient in the posture of the CT, LPS mm.

    Attributes:
        vertebrae: shapes from cranial to caudal.
        frames: (4, 4) vertebra frame → LPS mm, in the same order.
        body_radii: half width and half depth of the trunk in mm.
        body_offset: trunk centre relative to the spine's course, (x, y) mm.
        fat: thickness of the subcutaneous fat in mm.
        muscle: size factor of the muscles around the spine.
        blobs: organs, vessels, gas.
        wave_vectors: (k, 3) and wave_phases (k,) of the soft tissue's texture.
    """

    vertebrae: tuple[VertebraShape, ...]
    frames: tuple[rigid.Rigid, ...]
    body_radii: tuple[float, float]
    body_offset: tuple[float, float]
    fat: float
    muscle: float
    blobs: tuple[SoftBlob, ...]
    wave_vectors: NDArray[Any]
    wave_phases: NDArray[Any]
    centers: NDArray[Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "centers", np.array([f[:3, 3] for f in self.frames]))

    @property
    def numbers(self) -> tuple[int, ...]:
        """VerSe numbers from cranial to caudal."""
        return tuple(v.number for v in self.vertebrae)


def _waves(
    rng: Generator, count: int, shortest_mm: float, longest_mm: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = np.exp(rng.uniform(np.log(shortest_mm), np.log(longest_mm), count))
    return directions * (2 * np.pi / lengths)[:, None], rng.uniform(0, 2 * np.pi, count)


def make_vertebra(rng: Generator, number: int, scale: float, degenerate: float = 0.0) -> VertebraShape:
    """A vertebra of level `number` for a patient of relative size `scale`."""
    size = np.array([np.interp(number, _SIZES[:, 0], column) for column in _SIZES.T[1:]])
    size = size * scale * rng.normal(1, 0.04, 6).clip(0.88, 1.12)
    fractured = rng.uniform() < 0.06
    bumps = []
    for _ in range(rng.poisson(2 * degenerate)):
        angle, end = rng.uniform(0, np.pi), rng.choice([-1, 1])
        place = (-np.cos(angle) * size[0] / 2, -np.sin(angle) * size[1] / 2, end * (size[2] / 2 - 2))
        bumps.append(((float(place[0]), float(place[1]), float(place[2])), float(rng.uniform(1.5, 4.5))))
    vectors, phases = _waves(rng, 10, 9, 30)
    treated = rng.uniform()
    cement = None
    if treated > 0.96:
        cement = (float(rng.uniform(-8, 8)), float(rng.uniform(-6, 6)), float(rng.uniform(-3, 3)))
    return VertebraShape(
        number=number,
        width=size[0],
        depth=size[1],
        height=size[2] * (rng.uniform(0.75, 0.9) if fractured else 1),
        disc_below=size[3] * (1 - 0.6 * rng.uniform() * degenerate),
        half_span=size[4],
        spinous=size[5],
        wedge=float(rng.uniform(0.15, 0.4)) if fractured else float(rng.uniform(0, 0.06)),
        canal_radius=float(scale * rng.uniform(7.0, 9.0)),
        asymmetry=rng.normal(0, 1.5, (12,)),
        osteophytes=tuple(bumps),
        wave_vectors=vectors,
        wave_phases=phases,
        cement=cement,
    )


def make_anatomy(rng: Generator, numbers: tuple[int, ...]) -> Anatomy:
    """A random patient with the given levels (cranial to caudal), the stack centred at the origin."""
    scale = float(np.clip(rng.normal(1.0, 0.07), 0.8, 1.2))
    degenerate = float(rng.uniform(0, 1))
    shapes = tuple(make_vertebra(rng, n, scale, degenerate) for n in numbers)
    if rng.uniform() < 0.06 and len(shapes) > 2:
        shapes = _with_screws(shapes, int(rng.integers(0, len(shapes) - 1)))
    frames = _stack(rng, shapes)
    fat = float(rng.uniform(6, 35))
    vectors, phases = _waves(rng, 14, 8, 60)
    return Anatomy(
        vertebrae=shapes,
        frames=frames,
        body_radii=(float(rng.uniform(140, 185)), float(rng.uniform(95, 125))),
        body_offset=(float(rng.normal(0, 4)), float(-rng.uniform(30, 45))),
        fat=fat,
        muscle=float(np.clip(rng.normal(1, 0.12), 0.7, 1.3)),
        blobs=_organs(rng, frames),
        wave_vectors=vectors,
        wave_phases=phases,
    )


def _with_screws(shapes: tuple[VertebraShape, ...], first: int) -> tuple[VertebraShape, ...]:
    fused = {first, first + 1}
    return tuple(replace(v, screws=True) if i in fused and v.number > 7 else v for i, v in enumerate(shapes))


def _stack(rng: Generator, shapes: tuple[VertebraShape, ...]) -> tuple[rigid.Rigid, ...]:
    """Frames of the vertebrae, stacked through the discs with the curves of a spine."""
    bend = {1: -4.0, 2: -4.0, 5: -3.0, 8: 2.0, 13: 4.0, 17: 2.0, 19: -1.0, 21: -5.0, 24: -13.0, 26: -16.0}
    curve = rng.normal(1.0, 0.35)
    side = rng.normal(0, 2.0) if rng.uniform() < 0.7 else rng.normal(0, 6.0)
    phase = rng.uniform(0, 2 * np.pi)
    frames = [np.eye(4)]
    for i, (upper, lower) in enumerate(pairwise(shapes)):
        flexion = curve * np.interp(lower.number, list(bend), list(bend.values())) + rng.normal(0, 1.5)
        lateral = side * np.cos(phase + i * 0.6) + rng.normal(0, 0.7)
        turn = 0.5 * side * np.sin(phase + i * 0.6) + rng.normal(0, 0.7)
        rotation = rigid.from_rotation(np.radians([-flexion, lateral, turn]), np.zeros(3))
        down = _shift(0, 0, -(upper.height / 2 + upper.disc_below / 2))
        further = _shift(0, 0, -(lower.height / 2 + upper.disc_below / 2))
        frames.append(frames[-1] @ down @ rotation @ further)
    centers = np.array([f[:3, 3] for f in frames])
    axis = centers[0] - centers[-1] if len(centers) > 1 else np.array([0, 0, 1.0])
    upright = rigid.fit(
        np.array([[0, 0, 0], axis / np.linalg.norm(axis)]), [[0, 0, 0], [0, 0, 1]], None, 1e-3
    )
    shifted = upright @ _shift(*-centers.mean(0))
    return tuple(shifted @ f for f in frames)


def _shift(x: float, y: float, z: float) -> rigid.Rigid:
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def _organs(rng: Generator, frames: tuple[rigid.Rigid, ...]) -> tuple[SoftBlob, ...]:
    heights = [f[2, 3] for f in frames]
    low, high = min(heights) - 40, max(heights) + 40
    blobs = []
    for side in (-1, 1):
        center = (side * rng.uniform(55, 80), rng.uniform(-25, 5), rng.uniform(low, high))
        blobs.append(
            SoftBlob(center, (rng.uniform(22, 30), rng.uniform(22, 32), rng.uniform(45, 60)), "kidney")
        )
    for _ in range(int(rng.integers(18, 30) * (high - low) / 250)):
        center = (rng.uniform(-110, 110), rng.uniform(-140, -32), rng.uniform(low, high))
        radius = rng.uniform(8, 28)
        rx, ry, rz = (float(radius * rng.uniform(0.6, 1.5)) for _ in range(3))
        blobs.append(
            SoftBlob(center, (rx, ry, rz), str(rng.choice(["organ", "bowel", "fluid", "gas", "organ"])))
        )
    return tuple(blobs)
