"""The parameters of one vertebra, varied as patients vary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..imaging.vertebra_names import T13
from .measured_bone import MeasuredBone

Generator = np.random.Generator
Point = tuple[float, float, float]

# Typical adult sizes in mm at anchor levels (VerSe numbers), interpolated between:
# number, body width, body depth, body height, disc height, transverse half span, spinous length
_SIZES = np.array(
    [
        [1, 16.0, 12.0, 9.0, 2.0, 36.0, 8.0],
        [2, 17.0, 15.0, 19.0, 4.0, 27.0, 18.0],
        [5, 18.0, 16.0, 13.0, 5.0, 27.0, 16.0],
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


@dataclass(frozen=True)
class VertebraShape:
    """One vertebra in its own frame: origin in the body's centre, x left, y posterior, z cranial (mm).

    Attributes:
        number: VerSe number.
        width, depth, height: of the body.
        disc_below: height of the disc below.
        half_span: from the middle to the tip of a transverse process.
        spinous: length of the spinous process.
        wedge: relative loss of height of the body's anterior edge.
        canal_radius: of the vertebral canal.
        degeneration: of the disc below, 0 (healthy) to 1.
        shell: thickness of the body's cortex.
        texture: offset into the patient's noise, which shapes the bone's surface.
        osteophytes: places and radii.
        fused_below: whether bone bridges the disc below, or implants hold it: that joint cannot move.
        gas_below: whether the disc below holds gas.
        screws: whether pedicle screws are in place.
        cement: middle of a cement filling.
        measured: the solid of a segmented vertebra, instead of the parametric one.
    """

    number: int
    width: float
    depth: float
    height: float
    disc_below: float
    half_span: float
    spinous: float
    wedge: float
    canal_radius: float
    degeneration: float
    shell: float
    texture: Point
    osteophytes: tuple[tuple[Point, float], ...] = ()
    fused_below: bool = False
    gas_below: bool = False
    screws: bool = False
    cement: Point | None = None
    measured: MeasuredBone | None = None

    @property
    def canal_center(self) -> Point:
        """Middle of the vertebral canal in the vertebra's frame."""
        return 0.0, self.depth / 2 + self.canal_radius * 0.85, 0.0


def typical_sizes(number: int) -> tuple[float, ...]:
    """Body width, depth, height, disc height, half span and spinous length of a level in mm."""
    number = 19 if number == T13 else number
    return tuple(float(np.interp(number, _SIZES[:, 0], column)) for column in _SIZES.T[1:])


def make_vertebra(
    rng: Generator, number: int, scale: float, canal_radius: float, degenerate: float
) -> VertebraShape:
    """A vertebra of level `number` for a patient of relative size `scale`.

    Args:
        rng: source of the variation.
        number: VerSe number.
        scale: the patient's size relative to typical adults.
        canal_radius: the patient's, in mm.
        degenerate: how worn the patient's spine is, 0 to 1.
    """
    size = np.array(typical_sizes(number)) * scale * rng.normal(1, 0.035, 6).clip(0.9, 1.1)
    fractured = bool(rng.uniform() < 0.06)
    wear = float(np.clip(degenerate + rng.normal(0, 0.3), 0, 1))
    cement = None
    if rng.uniform() > 0.97:
        cement = (float(rng.uniform(-8, 8)), float(rng.uniform(-6, 6)), float(rng.uniform(-3, 3)))
    offset = rng.uniform(0, 48, 3)
    return VertebraShape(
        number=number,
        width=float(size[0]),
        depth=float(size[1]),
        height=float(size[2] * (rng.uniform(0.75, 0.9) if fractured else 1)),
        disc_below=float(size[3] * (1 - 0.55 * wear * rng.uniform(0.3, 1))),
        half_span=float(size[4]),
        spinous=float(size[5]),
        wedge=float(rng.uniform(0.15, 0.4)) if fractured else float(rng.uniform(0, 0.06)),
        canal_radius=float(canal_radius * rng.normal(1, 0.03)),
        degeneration=wear,
        shell=float(rng.uniform(0.5, 0.9)),
        texture=(float(offset[0]), float(offset[1]), float(offset[2])),
        osteophytes=_osteophytes(rng, wear, size) if number > 2 else (),
        fused_below=bool(rng.uniform() < 0.03) and number > 1,
        gas_below=wear > 0.6 and bool(rng.uniform() < 0.15),
        cement=cement if number > 7 else None,
    )


def _osteophytes(rng: Generator, wear: float, size: np.ndarray) -> tuple[tuple[Point, float], ...]:
    """Spurs on the front and sides of the end plates' rims."""
    spurs = []
    for _ in range(rng.poisson(2.5 * wear)):
        angle, end = rng.uniform(0, np.pi), rng.choice([-1, 1])
        place = (-np.cos(angle) * size[0] / 2, -np.sin(angle) * size[1] / 2, end * (size[2] / 2 - 2))
        radius = min(float(rng.uniform(1.5, 4.5)), 0.12 * float(size[2]) + 1)
        spurs.append(((float(place[0]), float(place[1]), float(place[2])), radius))
    return tuple(spurs)
