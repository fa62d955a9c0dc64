"""Signed distances (mm, negative inside) of the solids that the anatomy is made of.

Points are (..., 3) float32 tensors in mm. Distances are exact for capsules and first-order near the
surface for the others, which is what soft membership over one voxel needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

Vector = Sequence[float]


def _vector(values: Vector, like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32, device=like.device)


def capsule(
    p: torch.Tensor, a: Vector, b: Vector, radius: float, end_radius: float | None = None
) -> torch.Tensor:
    """A rod with round ends from a to b whose radius may change along it."""
    start, axis = _vector(a, p), _vector(b, p) - _vector(a, p)
    t = (((p - start) @ axis) / (axis @ axis)).clamp(0, 1)
    distance = (p - start - t[..., None] * axis).norm(dim=-1)
    return distance - (radius if end_radius is None else radius + t * (end_radius - radius))


def ellipsoid(p: torch.Tensor, center: Vector, radii: Vector) -> torch.Tensor:
    """An ellipsoid with axes along x, y, z."""
    q = (p - _vector(center, p)) / _vector(radii, p)
    scaled = q.norm(dim=-1).clamp(min=1e-3)
    gradient = (q / _vector(radii, p)).norm(dim=-1).clamp(min=1e-3)
    return scaled * (scaled - 1) / gradient


def superellipse(u: torch.Tensor, v: torch.Tensor, a: float, b: float, power: float = 2.5) -> torch.Tensor:
    """A cylinder along z with the cross-section |u/a|^n + |v/b|^n = 1."""
    radius = ((u.abs() / a) ** power + (v.abs() / b) ** power + 1e-6) ** (1 / power)
    length = torch.sqrt(u * u + v * v + 1e-6)
    return (radius - 1) * length / radius


def vertebral_body(
    p: torch.Tensor, width: float, depth: float, height: float, wedge: float = 0.0, waist: float = 0.08
) -> torch.Tensor:
    """A vertebral body centred at the origin: kidney-shaped, waisted, with concave end plates.

    `wedge` is the relative loss of height of the anterior edge (y < 0).
    """
    x, y, z = p.unbind(-1)
    slim = 1 - waist * (1 - (2 * z / height).clamp(-1, 1) ** 2)
    side = superellipse(x / slim, y / slim, width / 2, depth / 2)
    kidney = 0.12 * depth * torch.exp(-((x / (0.22 * width)) ** 2)) * (y > 0)
    side = side + kidney
    inner = ((x / (width / 2)) ** 2 + (y / (depth / 2)) ** 2).clamp(max=1)
    top = height / 2 * (1 - wedge * (0.5 - y / depth).clamp(0, 1)) - 1.5 * (1 - inner)
    bottom = height / 2 - 1.8 * (1 - inner)
    return smooth_max(side, smooth_max(z - top, -z - bottom, 1.0), 2.0)


def smooth_max(a: torch.Tensor, b: torch.Tensor, rounding_mm: float) -> torch.Tensor:
    """Intersection of two solids with a rounded edge."""
    return -smooth_min(-a, -b, rounding_mm)


def smooth_min(a: torch.Tensor, b: torch.Tensor, rounding_mm: float) -> torch.Tensor:
    """Union of two solids with a fillet (quadratic polynomial)."""
    h = (rounding_mm - (a - b).abs()).clamp(min=0) / rounding_mm
    return torch.minimum(a, b) - h * h * rounding_mm / 4


def waves(p: torch.Tensor, vectors: torch.Tensor, phases: torch.Tensor) -> torch.Tensor:
    """A random smooth texture in about [-1, 1]: the mean of cosines with wave vectors (k, 3)."""
    return torch.cos(p @ vectors.T + phases).sum(-1) / (0.7 * len(phases)) ** 0.5 / 1.4
