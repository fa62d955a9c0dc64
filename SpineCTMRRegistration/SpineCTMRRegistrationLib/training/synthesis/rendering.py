"""Images of an anatomy, evaluated at points: no image is ever made by warping another."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .anatomy import SACRUM, Anatomy, VertebraShape
from .bone_shape import bone_distance, bounds
from .shapes import capsule, ellipsoid, smooth_min, superellipse, waves
from .tissue import INDEX, TISSUES


class Canvas:
    """Tissue values at points, painted from the back to the front with soft membership.

    Attributes:
        points: (n, 3) float32 LPS mm in the posture of the anatomy.
        values: (n, k) float32, one column per contrast.
        labels: (n,) uint8 VerSe numbers.
    """

    def __init__(self, points: torch.Tensor, contrasts: torch.Tensor, softness_mm: float) -> None:
        self.points = points
        self.contrasts = contrasts
        self.softness_mm = softness_mm
        self.values = contrasts[INDEX["air"]].repeat(len(points), 1)
        self.labels = torch.zeros(len(points), dtype=torch.uint8, device=points.device)

    def share(self, distance: torch.Tensor) -> torch.Tensor:
        """Share (n,) of a voxel that lies inside, from the signed distance in mm."""
        return (0.5 - distance / self.softness_mm).clamp(0, 1)

    def paint(
        self,
        share: torch.Tensor,
        tissue: str,
        where: torch.Tensor | None = None,
        gain: torch.Tensor | None = None,
    ) -> None:
        """Cover `share` of each point (of those at indices `where`) with a tissue."""
        color = self.contrasts[INDEX[tissue]]
        values = color if gain is None else color * gain[:, None]
        if where is None:
            self.values += share[:, None] * (values - self.values)
        else:
            old = self.values[where]
            self.values[where] = old + share[:, None] * (values - old)


def contrast_table(columns: list[NDArray[Any]], device: torch.device | str = "cpu") -> torch.Tensor:
    """Contrasts as the (tissues, k) table that `render` takes."""
    return torch.tensor(np.stack(columns, 1), dtype=torch.float32, device=device).reshape(len(TISSUES), -1)


def render(
    anatomy: Anatomy, points: torch.Tensor, contrasts: torch.Tensor, softness_mm: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Values (n, k) and vertebra numbers (n,) at points (n, 3) in LPS mm, in the CT's posture."""
    canvas = Canvas(points, contrasts, softness_mm)
    course = _course(anatomy, points)
    texture = waves(points, _tensor(anatomy.wave_vectors, points), _tensor(anatomy.wave_phases, points))
    _paint_trunk(canvas, anatomy, course, texture)
    _paint_discs(canvas, anatomy)
    _paint_canal(canvas, anatomy)
    for shape, frame in zip(anatomy.vertebrae, anatomy.frames, strict=True):
        _paint_vertebra(canvas, shape, frame, texture)
    return canvas.values, canvas.labels


def bone_labels(anatomy: Anatomy, points: torch.Tensor) -> torch.Tensor:
    """Vertebra numbers (n,) uint8 at points (n, 3) in LPS mm, in the CT's posture."""
    labels = torch.zeros(len(points), dtype=torch.uint8, device=points.device)
    for shape, frame in zip(anatomy.vertebrae, anatomy.frames, strict=True):
        local = _local(points, frame)
        where = _inside_box(local, bounds(shape))
        labels[where[bone_distance(shape, local[where]) < 0]] = shape.number
    return labels


def _tensor(values: object, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=like.device)


def _course(anatomy: Anatomy, points: torch.Tensor) -> torch.Tensor:
    """Points relative to the spine's course at their height: (n, 3) with x, y from the bodies, z as is."""
    z = points[:, 2]
    heights = _tensor(anatomy.centers[::-1, 2].copy(), points)
    if len(heights) == 1:
        return points - _tensor([*anatomy.centers[0, :2], 0.0], points)
    upper = torch.searchsorted(heights, z.contiguous()).clamp(1, len(heights) - 1)
    t = ((z - heights[upper - 1]) / (heights[upper] - heights[upper - 1])).clamp(-0.5, 1.5)
    places = _tensor(anatomy.centers[::-1, :2].copy(), points)
    center = places[upper - 1] + t[:, None] * (places[upper] - places[upper - 1])
    return torch.cat([points[:, :2] - center, z[:, None]], 1)


_MUSCLES = (
    (14.0, 38.0, 11.5, 15.0),
    (34.0, 42.0, 16.0, 16.0),
    (55.0, 36.0, 11.0, 12.0),
    (52.0, 10.0, 13.0, 9.0),
    (36.0, -1.0, 14.0, 17.0),
)
"""Columns beside the spine: |x|, y, half width, half depth in mm, relative to the course."""


def _paint_trunk(canvas: Canvas, anatomy: Anatomy, course: torch.Tensor, texture: torch.Tensor) -> None:
    u, v, _ = course.unbind(-1)
    cu, cv = u - anatomy.body_offset[0], v - anatomy.body_offset[1]
    a, b = anatomy.body_radii
    skin = superellipse(cu, cv, a, b)
    canvas.paint(canvas.share(skin), "fat", gain=1 + 0.06 * texture)
    wall = superellipse(cu, cv, a - anatomy.fat, b - 0.8 * anatomy.fat)
    marbling = 1 + 0.15 * texture
    canvas.paint(canvas.share(wall), "muscle", gain=marbling)
    inside = canvas.share(superellipse(cu, cv, a - anatomy.fat - 14, b - 0.8 * anatomy.fat - 12))
    canvas.paint(inside * canvas.share(v - 6), "visceral fat", gain=1 + 0.06 * texture)
    for blob in anatomy.blobs:
        near = ((course - _tensor(blob.center, course)).abs() < _tensor(blob.radii, course) * 1.15 + 2).all(
            -1
        )
        where = near.nonzero()[:, 0]
        if len(where):
            distance = ellipsoid(course[where], blob.center, blob.radii) + 1.5 * texture[where]
            canvas.paint(canvas.share(distance) * inside[where], blob.tissue, where, marbling[where])
    m = anatomy.muscle
    canvas.paint(canvas.share(superellipse(u, v - 36 * m, 72 * m, 30 * m)), "fat", gain=1 + 0.06 * texture)
    for x, y, half_width, half_depth in _MUSCLES:
        column = superellipse(u.abs() - x * m, v - y * m, half_width * m, half_depth * m, 2.2) + 0.8 * texture
        canvas.paint(canvas.share(column), "muscle", gain=marbling)
    for x, y, radius in ((11.0, -31.0, 9.5), (-14.0, -30.0, 10.5)):
        canvas.paint(canvas.share(superellipse(u - x, v - y, radius, radius, 2.0) + texture), "vessel")


def _local(points: torch.Tensor, frame: NDArray[Any]) -> torch.Tensor:
    rotation = _tensor(frame[:3, :3], points)
    return (points - _tensor(frame[:3, 3], points)) @ rotation


def _inside_box(local: torch.Tensor, box: tuple[tuple[float, ...], tuple[float, ...]]) -> torch.Tensor:
    low, high = _tensor(box[0], local), _tensor(box[1], local)
    return ((local > low) & (local < high)).all(-1).nonzero()[:, 0]


def _paint_discs(canvas: Canvas, anatomy: Anatomy) -> None:
    pairs = zip(
        anatomy.vertebrae[:-1], anatomy.vertebrae[1:], anatomy.frames[:-1], anatomy.frames[1:], strict=True
    )
    for upper, lower, upper_frame, lower_frame in pairs:
        floor = upper_frame @ np.array([0, 0, -upper.height / 2, 1])
        roof = lower_frame @ np.array([0, 0, lower.height / 2, 1])
        frame = upper_frame.copy()
        frame[:3, 3] = (floor[:3] + roof[:3]) / 2
        local = _local(canvas.points, frame)
        half = upper.disc_below / 2 + 3.5
        width, depth = (upper.width + lower.width) / 4 + 1.0, (upper.depth + lower.depth) / 4 + 1.0
        where = _inside_box(local, ((-width - 3, -depth - 3, -half - 2), (width + 3, depth + 3, half + 2)))
        if not len(where):
            continue
        p = local[where]
        ring = superellipse(p[:, 0], p[:, 1], width, depth)
        canvas.paint(canvas.share(torch.maximum(ring, p[:, 2].abs() - half)), "annulus", where)
        nucleus = ellipsoid(p, (0, 0.08 * depth, 0), (0.6 * width, 0.58 * depth, max(half - 1.5, 2)))
        canvas.paint(canvas.share(nucleus), "nucleus", where)


def _paint_canal(canvas: Canvas, anatomy: Anatomy) -> None:
    nodes = [
        f @ np.array([*v.canal_center, 1.0]) for v, f in zip(anatomy.vertebrae, anatomy.frames, strict=True)
    ]
    radii = [v.canal_radius for v in anatomy.vertebrae]
    if len(nodes) == 1:
        nodes.append(nodes[0] - anatomy.frames[0] @ np.array([0, 0, 30, 0]))
        radii.append(radii[0])
    nodes = [2 * nodes[0] - nodes[1], *nodes, 2 * nodes[-1] - nodes[-2]]
    radii = [radii[0], *radii, 0.6 * radii[-1]]
    distance = torch.full((len(canvas.points),), 1e3, device=canvas.points.device)
    for a, b, ra, rb in zip(nodes[:-1], nodes[1:], radii[:-1], radii[1:], strict=True):
        part = capsule(canvas.points, a[:3].tolist(), b[:3].tolist(), float(ra), float(rb))
        distance = smooth_min(distance, part, 2.0)
    where = (distance < 2).nonzero()[:, 0]
    depth = distance[where]
    canvas.paint(canvas.share(depth), "epidural fat", where)
    canvas.paint(canvas.share(depth + 2.0), "csf", where)
    canvas.paint(canvas.share(depth + 5.0), "cord", where)


def _paint_vertebra(canvas: Canvas, shape: VertebraShape, frame: NDArray[Any], texture: torch.Tensor) -> None:
    local = _local(canvas.points, frame)
    where = _inside_box(local, bounds(shape))
    if not len(where):
        return
    p = local[where]
    if 8 <= shape.number <= 19:
        canvas.paint(canvas.share(_ribs(shape, p)), "cortex", where)
        canvas.paint(canvas.share(_ribs(shape, p) + 1.5), "marrow", where)
    distance = bone_distance(shape, p)
    canvas.paint(canvas.share(distance), "cortex", where)
    shell = 0.9 if shape.number != SACRUM else 0.7
    canvas.paint(canvas.share(distance + shell), "marrow", where, gain=1 + 0.18 * texture[where])
    if shape.cement is not None:
        blob = ellipsoid(p, shape.cement, (8, 6, 5)) + 2 * texture[where]
        canvas.paint(canvas.share(torch.maximum(blob, distance + 1)), "cement", where)
    if shape.screws:
        for side in (-1.0, 1.0):
            head = (
                side * (shape.canal_radius + 6),
                shape.depth / 2 + 2 * shape.canal_radius + 4,
                0.2 * shape.height,
            )
            tip = (side * 7.0, -0.25 * shape.depth, 0.1 * shape.height)
            canvas.paint(canvas.share(capsule(p, head, tip, 3.0)), "metal", where)
    inside = where[distance < 0]
    canvas.labels[inside] = shape.number


def _ribs(shape: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    edge = shape.depth / 2
    distance = torch.full((len(p),), 1e3, device=p.device)
    for side in (-1.0, 1.0):
        neck = (side * (shape.width / 2 + 3), edge - 1, 4.0)
        angle = (side * (shape.half_span + 6), edge + 1.6 * shape.canal_radius, -2.0)
        distance = torch.minimum(distance, capsule(p, neck, angle, 3.2))
        distance = torch.minimum(distance, capsule(p, angle, (angle[0] + side * 20, edge, -12.0), 4.0))
    return distance
