"""The bones that are not shaped like the others: atlas, dens, sacrum and the pelvis beside it."""

from __future__ import annotations

import numpy as np
import torch

from .shapes import ellipsoid, rod, smooth_max, smooth_min, superellipse
from .vertebra import Point, VertebraShape

# Sacrum below the middle of S1, in mm for a body 48 mm wide: z, middle y, half depth, half width
_SACRUM = np.array(
    [
        [18, -3.0, 13.0, 50.0],
        [0, 0.0, 13.5, 54.0],
        [-16, 3.5, 12.0, 52.0],
        [-32, 10.0, 10.0, 44.0],
        [-50, 18.0, 8.0, 34.0],
        [-68, 25.0, 6.5, 27.0],
        [-86, 28.0, 5.0, 20.0],
        [-100, 27.0, 4.0, 12.0],
    ]
)
_FORAMINA = ((-24.0, 18.0, 4.2), (-42.0, 16.5, 3.8), (-59.0, 15.0, 3.4), (-75.0, 13.0, 3.0))
"""Heights, distances from the middle and radii of the sacral foramina."""
SEGMENTS = (-17.0, -36.0, -54.0)
"""Heights of the remnant discs of the sacrum."""


def atlas(v: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    """C1: a ring of two arches and two lateral masses, around the dens and the canal."""
    k, r = v.width / 16, v.canal_radius
    q = torch.stack([p[0].abs(), p[1], p[2]])
    back = v.depth / 2 + 2 * r + 3
    arcs = (
        rod(q, (0, -11.5 * k, 0), (13 * k, -7 * k, 0), 3.0, 3.5, (1, 1, 0.7)),
        rod(q, (18 * k, 6 * k, 0), (14 * k, 0.7 * back, 0), 3.5, 3.0, (1, 1, 0.8)),
        rod(q, (14 * k, 0.7 * back, 0), (0, back, 0), 3.0, 3.2, (1, 1, 0.7)),
        rod(q, (20 * k, 2 * k, 0), (v.half_span, 4 * k, 0), 4.0, 3.0),
    )
    distance = ellipsoid(q, (17 * k, 0, 1), (7.5 * k, 9 * k, 6 * k))
    for arc in arcs:
        distance = smooth_min(distance, arc, 2.0)
    return distance


def dens(v: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    """The tooth of C2, which the atlas turns around."""
    return rod(p, (0, -1, 0.3 * v.height), (0, 0.5, v.height / 2 + 18), 5.5, 4.0)


def sacrum_bounds(v: VertebraShape) -> tuple[Point, Point]:
    """Corners in mm of a box that holds the sacrum."""
    k = v.width / 48
    return (-66 * k, -v.depth / 2 - 10, -108 * k), (66 * k, 66 * k, v.height / 2 + 20)


def _profile(z: torch.Tensor, k: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Middle y, half depth and half width of the sacrum in mm at heights z in mm."""
    heights = np.arange(-102.0, 20.0, 2.0)
    columns = [np.interp(heights, _SACRUM[::-1, 0], column[::-1]) for column in _SACRUM.T[1:]]
    table = torch.tensor(np.stack(columns), dtype=torch.float32, device=z.device)
    place = ((z / k - heights[0]) / 2).clamp(0, len(heights) - 1.001)
    low = place.long()
    share = place - low
    y, depth, width = (row[low] * (1 - share) + row[low + 1] * share for row in table)
    return y * k, depth * k, width * k


def sacrum(v: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    """The sacrum without the upper part of its first body: wings, canal, foramina and crest."""
    k, r = v.width / 48, v.canal_radius
    q = torch.stack([p[0].abs(), p[1], p[2]])
    x, y, z = q
    middle, depth, width = _profile(z, k)
    wing = y - middle - 12 * k * (x / (52 * k)) ** 2
    front = superellipse(x, wing, width, depth, 3.0)
    lid = torch.maximum(z - (0.35 * v.height - 0.12 * x), -z - 98 * k)
    distance = smooth_max(front, lid, 4.0)
    narrow = (1 + z / (110 * k)).clamp(0.25, 1)
    behind = middle + depth + 1.5 * r * narrow + 3
    roof = (y - behind + 0.004 * x * x).abs() - 3.0
    roof = smooth_max(smooth_max(roof, x - 0.55 * width, 2.0), torch.maximum(z - 2, -z - 72 * k), 2.0)
    crest = rod(q, (0, 15 * k + 1.6 * r + 8, -4 * k), (0, 44 * k, -62 * k), 7.0, 4.0, (2.0, 1.0, 1.0))
    flank = superellipse(x - 0.42 * width, y - middle - depth - 0.6 * r * narrow, 0.2 * width, r * narrow + 2)
    flank = smooth_max(flank, torch.maximum(z - 0.1 * v.height, -z - 90 * k), 2.0)
    for part in (roof, crest, flank):
        distance = smooth_min(distance, part, 3.0)
    process_y = v.depth / 2 + 1.2 * r
    base, top = (r + 12, process_y + 3, -8.0), (r + 15, process_y, v.height / 2 + 5)
    distance = smooth_min(distance, rod(q, base, top, 5.0, 4.0), 3.0)
    for height, place, radius in _FORAMINA:
        hole = ((x - place * k) ** 2 + (z - height * k) ** 2 + 1e-6).sqrt() - radius * k
        distance = smooth_max(distance, -hole, 1.5)
    middle_of_canal = middle + depth + 0.75 * r * narrow
    canal = superellipse(x, y - middle_of_canal, 1.3 * r * narrow, 0.75 * r * narrow, 2)
    return smooth_max(distance, torch.where(z > -80 * k, -canal, -torch.ones_like(z) * 9), 1.0)


def ilium(v: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    """The wing of the hip bone beside a sacrum, in the frame of the sacrum."""
    k = v.width / 48
    x, y, z = p[0].abs() - 84 * k, p[1] + 4 * k, p[2] + 22 * k
    x = x - 0.3 * z
    along, across = 0.66 * x - 0.75 * y, 0.75 * x + 0.66 * y
    across = across - 0.004 * along * along
    return ellipsoid(torch.stack([along, across, z]), (0, 0, 0), (62 * k, 7 * k, 66 * k))


def canal_points(v: VertebraShape) -> list[tuple[Point, float]]:
    """Middles and radii of the sacral canal in the frame of the sacrum, mm."""
    k, r = v.width / 48, v.canal_radius
    points = [(v.canal_center, r)]
    for height in (-20.0, -40.0, -60.0, -78.0):
        middle, depth, _ = (float(t) for t in _profile(torch.tensor([height * k]), k))
        narrow = max(1 + height / 110, 0.25)
        points.append(((0.0, middle + depth + 0.75 * r * narrow, height * k), 0.8 * r * narrow))
    return points
