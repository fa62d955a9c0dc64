"""Images of an anatomy, evaluated at points: no image is ever made by warping another."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..geometry.pose import Pose
from ..imaging.vertebra_names import SACRUM, T13
from .anatomy import Anatomy
from .bone_shape import Solid, bone_distance, bounds, solid
from .canvas import Canvas
from .course import Place
from .implants import paint_implants, paint_rods
from .shapes import ellipsoid, rod, superellipse
from .special_bones import SEGMENTS, ilium
from .texture import noise
from .tissue import TISSUES
from .trunk import paint_trunk
from .vertebra import VertebraShape

_CHUNK = 1 << 16
_CORD_ENDS = 20.6
_PELVIS_MM = (150.0, 90.0, 100.0)
_RIBS_MM = (130.0, 60.0, 70.0)


def contrast_table(columns: list[NDArray[Any]], device: torch.device | str = "cpu") -> torch.Tensor:
    """Contrasts as the (tissues, k) table that `render` takes."""
    return torch.tensor(np.stack(columns, 1), dtype=torch.float32, device=device).reshape(len(TISSUES), -1)


def render(
    anatomy: Anatomy, points: torch.Tensor, contrasts: torch.Tensor, softness_mm: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Values (n, k) and vertebra numbers (n,) at points (n, 3) in LPS mm, in the CT's posture."""
    if anatomy.scan is not None:
        return anatomy.scan.contrasts_at(points, contrasts), bone_labels(anatomy, points)
    parts = [_render(anatomy, part.T.contiguous(), contrasts, softness_mm) for part in points.split(_CHUNK)]
    return torch.cat([p.values for p in parts], 1).T, torch.cat([p.labels for p in parts])


def render_ct(
    anatomy: Anatomy, points: torch.Tensor, contrast: NDArray[Any], softness_mm: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """HU (n,) and vertebra numbers (n,) at points (n, 3), as `render`; a real CT shows its own HU."""
    if anatomy.scan is not None:
        return anatomy.scan.hounsfield_at(points), bone_labels(anatomy, points)
    values, labels = render(anatomy, points, contrast_table([contrast]), softness_mm)
    return values[:, 0], labels


def bone_labels(anatomy: Anatomy, points: torch.Tensor, only: int | None = None) -> torch.Tensor:
    """Vertebra numbers (n,) uint8 at points (n, 3) in LPS mm, in the CT's posture; of all or `only` one."""
    rows = points.T.contiguous()
    labels = torch.zeros(len(points), dtype=torch.uint8, device=points.device)
    for shape, frame in zip(anatomy.vertebrae, anatomy.frames, strict=True):
        if only not in (None, shape.number):
            continue
        local, where = _near(rows, frame, bounds(shape))
        labels[where[bone_distance(shape, local, anatomy.texture_seed) < 0]] = shape.number
    return labels


def _render(anatomy: Anatomy, points: torch.Tensor, contrasts: torch.Tensor, softness_mm: float) -> Canvas:
    canvas = Canvas(points, contrasts, softness_mm)
    place = anatomy.course.at(points[2])
    paint_trunk(canvas, anatomy, place)
    _paint_around_canal(canvas, place)
    _paint_discs(canvas, anatomy)
    _paint_canal(canvas, anatomy, place)
    for shape, frame in zip(anatomy.vertebrae, anatomy.frames, strict=True):
        _paint_neighbours(canvas, shape, frame, anatomy.texture_seed)
        _paint_vertebra(canvas, shape, frame, anatomy.texture_seed)
    for shape, frame in zip(anatomy.vertebrae, anatomy.frames, strict=True):
        local, where = _near(canvas.points, frame, bounds(shape))
        paint_implants(canvas, shape, local, where, anatomy.texture_seed)
    paint_rods(canvas, anatomy)
    return canvas


def _tensor(values: object, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=like.device)


def _near(
    points: torch.Tensor, frame: Pose, box: tuple[tuple[float, ...], tuple[float, ...]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Points (3, m) in a vertebra's frame that lie in a box there, and their indices (m,)."""
    axes, origin = _tensor(frame.rotation.T.copy(), points), _tensor(frame.translation_mm.copy(), points)
    local = axes @ (points - origin[:, None])
    inside = torch.ones_like(local[0], dtype=torch.bool)
    for row, low, high in zip(local, *box, strict=True):
        inside &= (row > low) & (row < high)
    where = inside.nonzero()[:, 0]
    return local[:, where], where


def _paint_around_canal(canvas: Canvas, place: Place) -> None:
    """The fat of the foramina and around the dura."""
    x, y, _ = canvas.points
    u, v = x - place.canal_x, (y - place.canal_y) * place.canal_slope
    r = place.canal_radius
    canvas.paint(canvas.share(superellipse(u, v + 1, r + 9 * place.size, r, 3)), "fat")


def _paint_canal(canvas: Canvas, anatomy: Anatomy, place: Place) -> None:
    x, y, _ = canvas.points
    u, v = x - place.canal_x, (y - place.canal_y) * place.canal_slope
    r = place.canal_radius
    near = ((u.abs() < 2 * r) & (v.abs() < 2 * r) & (place.level < 26.6)).nonzero()[:, 0]
    if not len(near):
        return
    u, v, r, level = u[near], v[near], r[near], place.level[near]
    bony = superellipse(u, v, 1.2 * r, 0.82 * r, 2)
    canvas.paint(canvas.share(bony - 0.8), "ligament", near)
    canvas.paint(canvas.share(bony), "epidural fat", near)
    ends = ((25.9 - level) / 1.2).clamp(0, 1)
    sac = superellipse(u, v + 0.6, (1.08 * r - 1.2) * ends + 0.5, (0.80 * r - 0.9) * ends + 0.5, 2)
    canvas.paint(canvas.share(sac) * (ends > 0), "csf", near)
    size = torch.where(level < 8, 0.68 * r, 0.6 * r) * ((_CORD_ENDS - level) / 1.5).clamp(0, 1)
    cord = superellipse(u, v, 1.1 * size + 0.1, 0.75 * size + 0.1, 2)
    canvas.paint(canvas.share(cord) * (size > 0.5), "cord", near)
    streaks = noise(canvas.points[:, near], anatomy.texture_seed, (0.9, 0.9, 12.0))[0]
    roots = (streaks + 0.12 * v - 0.3).clamp(0, 1) * canvas.share(sac + 1) * (level > _CORD_ENDS - 1)
    canvas.paint(0.8 * roots, "cord", near)


def _paint_discs(canvas: Canvas, anatomy: Anatomy) -> None:
    pairs = zip(
        anatomy.vertebrae[:-1], anatomy.vertebrae[1:], anatomy.frames[:-1], anatomy.frames[1:], strict=True
    )
    for upper, lower, upper_frame, lower_frame in pairs:
        floor = upper_frame.apply((0, 0, -upper.height / 2))
        roof = lower_frame.apply((0, 0, lower.height / 2))
        axes, _ = np.linalg.qr((upper_frame.rotation + lower_frame.rotation) / 2)
        axes *= np.sign((axes * upper_frame.rotation).sum(0))
        frame = Pose.of(axes, (floor + roof) / 2)
        half = upper.disc_below / 2 + 0.1 * upper.height
        width, depth = (upper.width + lower.width) / 4 + 0.6, (upper.depth + lower.depth) / 4 + 0.6
        p, where = _near(
            canvas.points, frame, ((-width - 3, -depth - 3, -half - 2), (width + 3, depth + 3, half + 2))
        )
        if len(where):
            _paint_disc(canvas, upper, p, where, (width, depth, half))


def _paint_disc(
    canvas: Canvas,
    upper: VertebraShape,
    p: torch.Tensor,
    where: torch.Tensor,
    size: tuple[float, float, float],
) -> None:
    width, depth, half = size
    bulge = 1.5 * upper.degeneration + 0.5
    ring = superellipse(p[0], p[1], width + bulge, depth + bulge) + 3 * (p[2] / half) ** 2 - 0.5
    canvas.paint(canvas.share(torch.maximum(ring, p[2].abs() - half)), "annulus", where)
    middle = (0.0, 0.08 * depth, 0.0)
    if upper.fused_below and not upper.screws:
        bridge = torch.maximum(superellipse(p[0], p[1], width, depth), p[2].abs() - half)
        canvas.paint(canvas.share(bridge), "cortex", where)
        canvas.paint(canvas.share(bridge + 1.5), "marrow", where)
        return
    nucleus = ellipsoid(p, middle, (0.66 * width, 0.62 * depth, max(half - 1.2, 2)))
    canvas.paint((1 - 0.9 * upper.degeneration) * canvas.share(nucleus), "nucleus", where)
    if upper.gas_below:
        crack = ellipsoid(p, (0.0, -0.2 * depth, 0.0), (0.5 * width, 0.4 * depth, 1.4))
        canvas.paint(canvas.share(crack), "gas", where)


def _paint_neighbours(canvas: Canvas, shape: VertebraShape, frame: Pose, seed: int) -> None:
    """Bones that no label names: ribs beside thoracic vertebrae, the pelvis beside the sacrum."""
    thoracic = 8 <= shape.number <= 19 or shape.number == T13
    if not thoracic and shape.number != SACRUM:
        return
    x, y, z = _RIBS_MM if thoracic else _PELVIS_MM
    p, where = _near(canvas.points, frame, ((-x, -y, -z), (x, y, z)))
    if not len(where):
        return
    bone = _ribs(shape, p) if thoracic else ilium(shape, p) + 0.6 * noise(p, seed, (6.0, 6.0, 6.0))[0]
    if not thoracic:
        canvas.paint(canvas.share(bone - 20), "muscle", where)
    canvas.paint(canvas.share(bone), "cortex", where)
    canvas.paint(canvas.share(bone + 1.3), "marrow", where)


def _ribs(shape: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    """Both ribs of a thoracic vertebra, in |x|."""
    q = torch.stack([p[0].abs(), p[1], p[2]])
    edge = shape.depth / 2
    head = (shape.width / 2 + 2, edge - 2, 6.0)
    angle = (shape.half_span + 14, edge + 1.7 * shape.canal_radius + 4, -6.0)
    side = (shape.half_span + 62, edge - 18, -38.0)
    return torch.minimum(rod(q, head, angle, 3.4), rod(q, angle, side, 4.2, flat=(1.5, 1.0, 0.8)))


def _paint_vertebra(canvas: Canvas, shape: VertebraShape, frame: Pose, seed: int) -> None:
    p, where = _near(canvas.points, frame, bounds(shape))
    if not len(where):
        return
    bone = solid(shape, p, seed)
    canvas.paint(canvas.share(bone.bone), "cortex", where)
    inside = (bone.bone < canvas.softness_mm).nonzero()[:, 0]
    if len(inside):
        inner = Solid(bone.bone[inside], bone.body[inside])
        _paint_marrow(canvas, shape, p[:, inside], inner, where[inside], seed)
    canvas.labels[where[bone.bone < 0]] = shape.number


def _paint_marrow(
    canvas: Canvas, shape: VertebraShape, p: torch.Tensor, bone: Solid, where: torch.Tensor, seed: int
) -> None:
    """Spongy bone under a cortex that is thin around the body and thick around the arch."""
    ends = ((p[2].abs() / (shape.height / 2) - 0.75) / 0.25).clamp(0, 1)
    arch = (bone.body / 3).clamp(0, 1)
    shell = shape.shell * (1 + 0.6 * ends * shape.degeneration) + 1.2 * arch
    struts = noise(p, seed, (0.8, 0.8, 1.5), shape.texture)[0] * min(1.0, 1.2 / canvas.softness_mm)
    patches = noise(p, seed, (3.0, 3.0, 3.0), shape.texture)[1]
    gain = 1 + 0.14 * struts + 0.10 * patches
    canvas.paint(canvas.share(bone.bone + shell), "marrow", where, gain.clamp(0.3, 1.7))
    if shape.number == SACRUM:
        k = shape.width / 48
        for height in SEGMENTS:
            tilt = p[2] - height * k - 0.35 * (p[1] + 0.45 * height * k)
            remnant = torch.stack([p[0], p[1] + 0.35 * height * k, tilt])
            disc = ellipsoid(remnant, (0, 0, 0), (16 * k, 11 * k, 1.6 * k))
            canvas.paint(0.8 * canvas.share(torch.maximum(disc, bone.bone + 1)), "annulus", where)
        return
    vein = ellipsoid(p, (0, shape.depth / 2 - 4, 0), (4, 5, 1.6))
    canvas.paint(0.5 * canvas.share(torch.maximum(vein, bone.bone)), "epidural fat", where)
    modic = ends * max(shape.degeneration - 0.6, 0) * (patches + 0.3).clamp(0, 1)
    canvas.paint(0.9 * modic * canvas.share(torch.maximum(bone.body + 1, bone.bone + 1)), "cortex", where)
