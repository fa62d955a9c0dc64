"""The solid of one vertebra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..imaging.vertebra_names import ATLAS, SACRUM
from .shapes import ellipsoid, rod, smooth_max, smooth_min, vertebral_body
from .special_bones import atlas, dens, sacrum, sacrum_bounds
from .texture import noise
from .vertebra import Point, VertebraShape

Box = tuple[Point, Point]
_AXIS = 2

# Posterior elements at anchor levels (VerSe numbers), mm unless said; x is counted from the canal's side,
# y from the body's back in canal radii:
# number, pedicle x, pedicle radius, lamina half height, lamina radius, superior process x, y, inferior
# process x, y, process radius, spinous half thickness, spinous half height, spinous drop, transverse
# radius, transverse sweep
_POSTERIOR = np.array(
    [
        [2, 3.0, 2.6, 5.0, 2.2, 7.0, 0.62, 7.0, 1.50, 2.5, 2.6, 5.0, 5.0, 3.0, -2.0],
        [6, 3.0, 2.6, 6.0, 2.2, 7.0, 0.62, 7.0, 1.54, 2.6, 2.6, 5.0, 8.0, 3.2, -2.0],
        [8, 2.5, 2.8, 8.0, 2.4, 5.5, 1.10, 4.5, 1.95, 2.9, 2.8, 6.0, 14.0, 4.0, 8.0],
        [13, 2.0, 3.0, 9.0, 2.6, 4.5, 1.30, 3.0, 2.18, 2.8, 3.0, 6.0, 22.0, 4.0, 10.0],
        [18, 3.0, 4.0, 10.0, 2.8, 5.5, 1.25, 3.0, 2.05, 3.2, 3.2, 9.0, 10.0, 3.8, 6.0],
        [20, 4.0, 4.4, 11.0, 3.1, 11.0, 1.05, 3.0, 2.14, 4.1, 3.5, 10.5, 6.0, 3.2, 2.0],
        [22, 5.0, 4.8, 11.0, 3.3, 13.0, 1.02, 3.5, 2.17, 4.7, 3.7, 11.0, 6.0, 3.6, 2.0],
        [24, 7.5, 5.6, 9.0, 3.3, 15.0, 1.05, 5.5, 2.16, 4.9, 3.7, 8.0, 6.0, 4.4, 2.0],
        [26, 7.5, 5.6, 9.0, 3.3, 15.0, 1.05, 5.5, 2.16, 4.9, 3.7, 8.0, 6.0, 4.4, 2.0],
    ]
)


@dataclass(frozen=True)
class Solid:
    """Signed distances (n,) in mm to the whole bone and to its body alone."""

    bone: torch.Tensor
    body: torch.Tensor


def bounds(v: VertebraShape) -> Box:
    """Corners in mm, in the vertebra's frame, of a box that holds the bone and its implants."""
    if v.measured is not None:
        return v.measured.first, v.measured.last
    if v.number == SACRUM:
        return sacrum_bounds(v)
    back = v.depth / 2 + 2 * v.canal_radius + v.spinous + 14
    side = max(v.half_span, v.width / 2) + 9
    top = v.height + (28 if v.number == _AXIS else 14)
    return (-side, -v.depth / 2 - 10, -v.height - v.disc_below - 24), (side, back, top)


def bone_distance(v: VertebraShape, p: torch.Tensor, seed: int) -> torch.Tensor:
    """Signed distance in mm (n,) of points (3, n) in the vertebra's frame to its bone surface."""
    return solid(v, p, seed).bone


def solid(v: VertebraShape, p: torch.Tensor, seed: int) -> Solid:
    """The bone and its body at points (3, n) in the vertebra's frame; `seed` chooses the patient's noise."""
    if v.measured is not None:
        distance = v.measured(p)
        body = vertebral_body(p, v.width, v.depth, v.height)
        return Solid(distance, torch.maximum(distance, body))
    k = v.width / 48
    p = p + noise(p, seed, (9.0, 9.0, 9.0), v.texture) * min(0.75, 0.8 * k + 0.2)
    if v.number == ATLAS:
        bone = atlas(v, p)
        return Solid(bone, bone)
    body = vertebral_body(p, v.width, v.depth, v.height, v.wedge)
    for place, radius in v.osteophytes:
        body = smooth_min(body, ellipsoid(p, place, (radius * 1.4, radius * 1.4, radius * 0.8)), 3.0)
    if v.number == SACRUM:
        return Solid(smooth_min(body, sacrum(v, p), 3.0), body)
    if v.number == _AXIS:
        body = smooth_min(body, dens(v, p), 3.0)
    canal = (v.canal_center[1] - p[1]) / (0.82 * v.canal_radius)
    hole = 1 - ((p[0] / (1.2 * v.canal_radius)) ** 2 + canal**2 + 1e-6).sqrt()
    bone = smooth_min(body, _posterior_elements(v, p), 3.0)
    return Solid(smooth_max(bone, hole * 0.82 * v.canal_radius, 1.0), body)


def _posterior_elements(v: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    """Pedicles, laminae and processes; both sides at once, in |x|."""
    row = [float(np.interp(v.number, _POSTERIOR[:, 0], column)) for column in _POSTERIOR.T[1:]]
    pedicle_x, pedicle, lamina_h, lamina, upper_x, upper_y, lower_x, lower_y, process = row[:9]
    spinous, spinous_h, drop, transverse, sweep = row[9:]
    r, edge, height = v.canal_radius, v.depth / 2, v.height
    q = torch.stack([p[0].abs(), p[1], p[2]])
    side = r + pedicle_x
    high, low = height / 2 + 0.5 * v.disc_below, -(height / 2 + 0.75 * v.disc_below)
    top, upper = (r + upper_x, edge + upper_y * r, high), (r + upper_x - 2, edge + 1.2 * r, 0.1 * height)
    tip, lower = (r + lower_x, edge + lower_y * r, low), (r + lower_x - 1, edge + 1.75 * r, -0.15 * height)
    tall = (1.0, 1.0, lamina / lamina_h)
    thin = (1.3, 1.3, 0.75)
    parts = (
        rod(q, (side, edge - 4, 0.2 * height), (side + 1, edge + r, 0.2 * height), pedicle, flat=thin),
        rod(q, (side, edge + 1.1 * r, 0.05 * height), upper, pedicle),
        rod(q, (side, edge + 1.15 * r, 0), (0, edge + 2 * r + 2, -0.22 * height), lamina, flat=tall),
        rod(q, upper, top, process, process),
        rod(q, lower, tip, process, 0.9 * process),
        rod(
            q,
            (side, edge + 0.9 * r, 0.15 * height),
            (v.half_span, edge + 1.25 * r + sweep, 0.2 * height),
            transverse + 1,
            transverse,
            (1.0, 1.35, 1.0),
        ),
        rod(
            p,
            (0, edge + 2 * r + 2, -0.2 * height),
            (0, edge + 2 * r + v.spinous, -0.2 * height - drop),
            spinous_h,
            flat=(spinous_h / spinous, 1.0, 1.0),
        ),
    )
    distance = parts[0]
    for part in parts[1:]:
        distance = smooth_min(distance, part, 2.5)
    return distance
