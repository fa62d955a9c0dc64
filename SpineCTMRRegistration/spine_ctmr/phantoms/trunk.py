"""The trunk around the spine: skin, fat, muscles, organs, vessels, lungs and the CT's table."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .anatomy import Anatomy
from .canvas import Canvas
from .course import Place
from .shapes import ellipsoid, superellipse
from .texture import noise
from .tissue import INDEX

_AORTA_ENDS, _LUNGS_END, _LUNGS_BEGIN, _RIBS_END = 23.3, 18.6, 8.0, 20.0


@dataclass(frozen=True)
class _Frame:
    """Coordinates (n,) in mm beside the spine's bodies and beside the trunk's middle, and textures."""

    u: torch.Tensor
    v: torch.Tensor
    trunk_u: torch.Tensor
    trunk_v: torch.Tensor
    half_width: torch.Tensor
    half_depth: torch.Tensor
    coarse: torch.Tensor
    streaks: torch.Tensor


def paint_trunk(canvas: Canvas, anatomy: Anatomy, place: Place) -> None:
    """Paint all soft tissue that is not part of the spine."""
    f = _frame(canvas, anatomy, place)
    inside = _paint_walls(canvas, anatomy, place, f)
    _paint_organs(canvas, anatomy, place, f, inside)
    _paint_lungs(canvas, place, f, inside)
    _paint_back_muscles(canvas, anatomy, place, f)
    _paint_vessels(canvas, place, f)
    _paint_table(canvas, anatomy, place)


def _frame(canvas: Canvas, anatomy: Anatomy, place: Place) -> _Frame:
    x, y, _ = canvas.points
    body, seed = anatomy.body, anatomy.texture_seed
    coarse = noise(canvas.points, seed, (4.0, 4.0, 6.0))
    wobble = 1.2 * coarse[1]
    return _Frame(
        u=x - place.body_x + wobble,
        v=y - place.body_y + 1.2 * coarse[2],
        trunk_u=x - place.trunk_x,
        trunk_v=y - place.trunk_y - body.back * place.size + body.half_depth * place.size,
        half_width=body.half_width * place.size,
        half_depth=body.half_depth * place.size,
        coarse=coarse[0],
        streaks=noise(canvas.points, seed, (1.1, 1.5, 5.0))[0],
    )


def _paint_walls(canvas: Canvas, anatomy: Anatomy, place: Place, f: _Frame) -> torch.Tensor:
    """Skin, subcutaneous fat and the muscular wall; returns the share of the cavity."""
    fat = anatomy.body.fat * place.size**2
    skin = superellipse(f.trunk_u, f.trunk_v, f.half_width, f.half_depth)
    canvas.paint(canvas.share(skin), "muscle")
    canvas.paint(canvas.share(skin + 1.8), "fat", gain=1 + 0.05 * f.coarse)
    septa = (f.streaks.abs() < 0.05).float() * (f.coarse > 0)
    canvas.paint(0.4 * septa * canvas.share(skin + 4), "muscle")
    wall = superellipse(f.trunk_u, f.trunk_v, f.half_width - fat, f.half_depth - 0.8 * fat)
    canvas.paint(canvas.share(wall), "muscle", gain=1 + 0.1 * f.coarse)
    cavity = superellipse(f.trunk_u, f.trunk_v, f.half_width - fat - 14, f.half_depth - 0.8 * fat - 12)
    inside = canvas.share(cavity) * canvas.share(f.v - 8) * (place.level > _LUNGS_BEGIN)
    canvas.paint(inside, "visceral fat", gain=1 + 0.06 * f.coarse)
    return inside


def _paint_organs(canvas: Canvas, anatomy: Anatomy, place: Place, f: _Frame, inside: torch.Tensor) -> None:
    course = torch.stack([f.u, f.v, canvas.points[2]])
    low, high = (float(v) for v in canvas.points[2].aminmax())
    abdomen = inside * (place.level > _LUNGS_END - 1)
    for blob in anatomy.body.blobs:
        middle, radii = blob.center, blob.radii
        if not low - 1.2 * radii[2] < middle[2] < high + 1.2 * radii[2]:
            continue
        near = (f.u - middle[0]).abs() < 1.15 * radii[0] + 2
        near &= (f.v - middle[1]).abs() < 1.15 * radii[1] + 2
        near &= (course[2] - middle[2]).abs() < 1.15 * radii[2] + 2
        where = near.nonzero()[:, 0]
        if len(where):
            distance = ellipsoid(course[:, where], middle, radii) + 1.5 * f.coarse[where]
            canvas.paint(
                canvas.share(distance) * abdomen[where], blob.tissue, where, 1 + 0.12 * f.streaks[where]
            )


def _paint_lungs(canvas: Canvas, place: Place, f: _Frame, inside: torch.Tensor) -> None:
    thorax = ((place.level < _LUNGS_END) & (place.level > _LUNGS_BEGIN)).nonzero()[:, 0]
    if not len(thorax):
        return
    u, v = f.trunk_u[thorax].abs(), f.trunk_v[thorax]
    width, depth = f.half_width[thorax], f.half_depth[thorax]
    lung = superellipse(u - 0.5 * width, v - 0.02 * depth, 0.34 * width, 0.72 * depth)
    ends = torch.minimum(_LUNGS_END - place.level[thorax], place.level[thorax] - _LUNGS_BEGIN)
    lung = torch.maximum(lung, 8 - 20 * ends) + 1.5 * f.coarse[thorax]
    canvas.paint(canvas.share(lung), "lung", thorax, 1 + 0.04 * f.streaks[thorax])
    heart = superellipse(f.u[thorax] - 8, f.v[thorax] + 82, 46.0, 34.0, 2.2) + 1.5 * f.coarse[thorax]
    canvas.paint(canvas.share(heart) * (place.level[thorax] > 12) * inside[thorax], "muscle", thorax)


def _paint_back_muscles(canvas: Canvas, anatomy: Anatomy, place: Place, f: _Frame) -> None:
    """Muscles beside the spine, with the clefts and streaks of fat between and in them."""
    body = anatomy.body
    m = body.muscle * (0.45 + 0.55 * place.size)
    u = f.u.abs()
    fat = body.fat * place.size**2
    within = superellipse(f.trunk_u, f.trunk_v, f.half_width - 0.9 * fat - 2, f.half_depth - 0.75 * fat - 2)
    groups = superellipse(u / m, f.v / m - 40, 70.0, 30.0, 3.0)
    canvas.paint(canvas.share(torch.maximum(groups, within)), "muscle", gain=1 + 0.08 * f.coarse)
    lower = (place.level - 19).clamp(0, 6)
    psoas = superellipse(
        u / m - 30 - 1.6 * lower, f.v / m + 3 + 0.8 * lower, 7 + 2.0 * lower, 10 + 2.2 * lower, 2
    )
    rims = superellipse(
        u / m - 30 - 1.6 * lower, f.v / m + 3 + 0.8 * lower, 9 + 2.0 * lower, 12 + 2.2 * lower, 2
    )
    quadratus = superellipse(u / m - 60, f.v / m - 12, 14.0, 7.0, 2.0)
    seen = place.level > _LUNGS_END
    canvas.paint(canvas.share(rims) * seen, "visceral fat")
    canvas.paint(canvas.share(torch.minimum(psoas, quadratus)) * seen, "muscle", gain=1 + 0.08 * f.coarse)
    cleft = (u / m - 24 - 0.25 * (f.v / m - 40)).abs() - 0.9 - 0.5 * f.coarse
    low_back = torch.maximum(groups + 2, within + 2)
    cleft = torch.maximum(cleft, low_back)
    middle = torch.maximum(u - 1.6, low_back)
    canvas.paint(0.8 * canvas.share(torch.minimum(cleft, middle)) * (f.v > 20), "fat")
    streaks = ((f.streaks + 0.4 * f.coarse - 1.7 + 2.6 * body.fatty) * 1.4).clamp(0, 1)
    deep = (1 - ((f.v - 50) / 30).clamp(0, 0.6)) * canvas.share(low_back)
    canvas.paint(0.85 * streaks * deep * (f.v > 16), "fat")


def _paint_vessels(canvas: Canvas, place: Place, f: _Frame) -> None:
    spread = (place.level - _AORTA_ENDS).clamp(min=0)
    abdomen = place.level > _RIBS_END - 12
    for side, x, y, radius in ((1, 11.0, -31.0, 9.5), (-1, -14.0, -30.0, 10.5)):
        course = superellipse(
            f.u - x - side * 11 * spread, f.v - y - 5 * spread, radius - 1.5 * spread.clamp(max=2), radius, 2
        )
        canvas.paint(canvas.share(course - 2) * abdomen * (f.v < -8), "visceral fat")
        canvas.paint(canvas.share(course) * abdomen, "vessel")
    throat = superellipse(f.u, f.v + 30, 8.0, 8.0, 2)
    canvas.paint(canvas.share(throat) * (place.level < 11), "gas")


def _paint_table(canvas: Canvas, anatomy: Anatomy, place: Place) -> None:
    if not anatomy.body.table:
        return
    top = float(anatomy.course.rows[7].max()) + anatomy.body.back
    under = canvas.points[1] - top - 3
    slab = torch.maximum(under - 18, -under)
    empty = (canvas.values == canvas.contrasts[INDEX["air"]][:, None]).all(0).float()
    canvas.paint(canvas.share(slab.abs() - 1.2) * empty, "table")
