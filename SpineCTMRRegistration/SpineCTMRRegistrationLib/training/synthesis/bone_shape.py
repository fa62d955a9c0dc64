"""The solid of one vertebra."""

from __future__ import annotations

import torch

from .anatomy import SACRUM, VertebraShape
from .shapes import capsule, ellipsoid, smooth_max, smooth_min, vertebral_body, waves

Box = tuple[tuple[float, float, float], tuple[float, float, float]]


def bounds(v: VertebraShape) -> Box:
    """Corners in mm, in the vertebra's frame, of a box that holds the bone and its implants."""
    back = v.depth / 2 + 2 * v.canal_radius + v.spinous + 14
    if v.number == SACRUM:
        return (-75.0, -v.depth / 2 - 8, -115.0), (75.0, 80.0, v.height / 2 + 16)
    side = max(v.half_span, v.width / 2) + 9
    return (-side, -v.depth / 2 - 8, -v.height - v.disc_below - 20), (side, back, v.height + 14)


def bone_distance(v: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    """Signed distance in mm (n,) of points (n, 3) in the vertebra's frame to its bone surface."""
    x, y, _ = p.unbind(-1)
    distance = vertebral_body(p, v.width, v.depth, v.height, v.wedge)
    posterior = _sacral_parts(v, p) if v.number == SACRUM else _posterior_elements(v, p)
    distance = smooth_min(distance, posterior, 3.0)
    canal_y = v.canal_center[1]
    canal = 1 - torch.sqrt(
        (x / (1.15 * v.canal_radius)) ** 2 + ((y - canal_y) / (0.82 * v.canal_radius)) ** 2 + 1e-6
    )
    below = torch.ones_like(x) if v.number != SACRUM else (p[..., 2] > -25).float()
    distance = torch.where(below > 0, smooth_max(distance, canal * 0.82 * v.canal_radius, 1.0), distance)
    for place, radius in v.osteophytes:
        distance = smooth_min(distance, ellipsoid(p, place, (radius * 1.4, radius * 1.4, radius * 0.8)), 3.0)
    texture = waves(p, _tensor(v.wave_vectors, p), _tensor(v.wave_phases, p))
    return distance + 0.45 * texture


def _tensor(values: object, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=like.device)


def _posterior_elements(v: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    k = v.width / 45
    r = v.canal_radius
    edge = v.depth / 2
    wobble = iter(v.asymmetry.tolist())
    parts = []
    for side in (-1.0, 1.0):
        a = next(wobble) * k
        pedicle_z = 0.2 * v.height
        parts.append(
            capsule(
                p,
                (side * (r + 3 * k), edge - 4, pedicle_z),
                (side * (r + 3.5 * k), edge + r, pedicle_z),
                4.6 * k + 0.6,
            )
        )
        parts.append(
            capsule(
                p, (side * (r + 3 * k), edge + r, 2 * k), (side * 2, edge + 2 * r + 2, -4 * k), 3.4 * k + 0.6
            )
        )
        tip = (side * (v.half_span + a), edge + 1.3 * r + 0.2 * a + _sweep(v), 0.15 * v.height + a)
        parts.append(
            capsule(p, (side * (r + 3), edge + 0.9 * r, 0.15 * v.height), tip, 4.2 * k + 0.5, 2.6 * k + 0.5)
        )
        reach = v.height / 2 + 0.45 * v.disc_below
        parts.append(
            capsule(
                p,
                (side * (r + 5 * k), edge + r, 0.2 * v.height),
                (side * (r + 6.5 * k), edge + r + 1, reach),
                2.9 * k + 0.4,
            )
        )
        down = -(v.height / 2 + 0.6 * v.disc_below)
        parts.append(
            capsule(
                p,
                (side * (r + 0.5), edge + 2 * r, -4 * k),
                (side * (r + 0.5 + 0.3 * a), edge + 2 * r + 0.5, down),
                2.9 * k + 0.4,
            )
        )
    lean = next(wobble)
    flat = p * _tensor((1.9, 1.0, 0.8), p)
    start, end = (0.0, edge + 2 * r + 1, -3.5), (1.9 * lean, edge + 2 * r + v.spinous, -3.5 - 0.8 * _drop(v))
    parts.append(capsule(flat, start, end, 5.5 * k + 1.0, 6.0 * k + 1.0) / 1.3)
    distance = parts[0]
    for part in parts[1:]:
        distance = smooth_min(distance, part, 2.5)
    return distance


def _drop(v: VertebraShape) -> float:
    """How far the spinous process slopes down, in mm."""
    if v.number <= 7:
        return 6.0
    return 20.0 if v.number <= 16 else 5.0


def _sweep(v: VertebraShape) -> float:
    """How far the transverse processes sweep back, in mm."""
    return 8.0 if 8 <= v.number <= 18 else 1.0


def _sacral_parts(v: VertebraShape, p: torch.Tensor) -> torch.Tensor:
    k = v.width / 48
    distance = ellipsoid(p, (0, 4, -27 * k), (19 * k, 12 * k, 15 * k))
    for y, z, a, b, c in ((15, -50, 15, 10, 14), (27, -70, 12, 8, 13), (32, -90, 9, 7, 12)):
        distance = smooth_min(distance, ellipsoid(p, (0, y * k, z * k), (a * k, b * k, c * k)), 5.0)
    for side in (-1.0, 1.0):
        lift = float(v.asymmetry[0 if side < 0 else 1])
        distance = smooth_min(
            distance, ellipsoid(p, (side * 34 * k, 12, -10 + lift), (22 * k, 15 * k, 18 * k)), 5.0
        )
        distance = smooth_min(
            distance, ellipsoid(p, (side * 30 * k, 20, -38 + lift), (16 * k, 12 * k, 22 * k)), 5.0
        )
        distance = smooth_min(
            distance,
            capsule(p, (side * 14 * k, v.depth / 2 + 8, 8), (side * 17 * k, v.depth / 2 + 8, 15), 3.0),
            3.0,
        )
        distance = smooth_min(
            distance, capsule(p, (side * 20 * k, 28, 0), (side * 12 * k, 42, -60), 4.0), 4.0
        )
    crest = capsule(p, (0, v.depth / 2 + 2 * v.canal_radius + 4, -8), (0, 52 * k, -62 * k), 4.5)
    return smooth_min(distance, crest, 4.0)
