"""Screws, rods and cement."""

from __future__ import annotations

from itertools import pairwise

import torch

from .anatomy import Anatomy
from .canvas import Canvas
from .shapes import ellipsoid, rod
from .texture import noise
from .vertebra import Point, VertebraShape

SCREW_RADIUS_MM, ROD_RADIUS_MM, VOID_MM = 3.0, 2.8, 4.0
_SIDES = (-1.0, 1.0)


def screw_ends(shape: VertebraShape, side: float) -> tuple[Point, Point]:
    """Head and tip of a pedicle screw in the vertebra's frame, mm."""
    back = shape.depth / 2 + 2 * shape.canal_radius + 4
    head = (side * (shape.canal_radius + 8), back, 0.22 * shape.height)
    return head, (side * 8.0, -0.25 * shape.depth, 0.12 * shape.height)


def paint_implants(
    canvas: Canvas, shape: VertebraShape, p: torch.Tensor, where: torch.Tensor, seed: int
) -> None:
    """Paint cement and screws at points (3, m) in the vertebra's frame, at indices `where`."""
    if shape.cement is not None and len(where):
        blob = ellipsoid(p, shape.cement, (8, 6, 5)) + 1.5 * noise(p, seed, (3.0, 3.0, 3.0))[0]
        canvas.paint(canvas.share(blob), "cement", where)
    if shape.screws and len(where):
        for side in _SIDES:
            head, tip = screw_ends(shape, side)
            _paint_metal(canvas, rod(p, head, tip, SCREW_RADIUS_MM), where)


def paint_rods(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint the rods that hold the heads of neighbouring screws."""
    everywhere = torch.arange(canvas.points.shape[1], device=canvas.points.device)
    joints = zip(pairwise(anatomy.vertebrae), pairwise(anatomy.frames), strict=True)
    for (upper, lower), frames in joints:
        if upper.screws and lower.screws:
            for side in _SIDES:
                ends = [
                    frame.apply(screw_ends(v, side)[0])
                    for v, frame in zip((upper, lower), frames, strict=True)
                ]
                start, end = (tuple(float(c) for c in point) for point in ends)
                _paint_metal(canvas, rod(canvas.points, start, end, ROD_RADIUS_MM), everywhere)


def _paint_metal(canvas: Canvas, distance: torch.Tensor, where: torch.Tensor) -> None:
    """Metal, and on MR the void around it."""
    near = distance < VOID_MM + canvas.softness_mm
    canvas.paint(canvas.share(distance[near] - VOID_MM), "metal void", where[near])
    canvas.paint(canvas.share(distance[near]), "metal", where[near])
