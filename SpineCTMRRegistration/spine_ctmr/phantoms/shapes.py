"""Signed distances (mm, negative inside) of the solids that the anatomy is made of.

Points are (3, n) float32 tensors of x, y, z in mm: whole rows keep the arithmetic fast. Distances are
exact for round rods and first-order near the surface for the others, which is what soft membership over
one voxel needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

Vector = Sequence[float]


def rod(
    p: torch.Tensor,
    a: Vector,
    b: Vector,
    radius: float,
    end_radius: float | None = None,
    flat: Vector = (1.0, 1.0, 1.0),
) -> torch.Tensor:
    """A rod with round ends from a to b whose radius may change along it.

    `flat` are factors (x, y, z) by which the rod is thinner than its radius: (3, 1, 1) is an upright plate.
    """
    x, y, z = (row - start for row, start in zip(p, a, strict=True))
    ax, ay, az = (end - start for start, end in zip(a, b, strict=True))
    sx, sy, sz = (factor * factor for factor in flat)
    length = max(sx * ax * ax + sy * ay * ay + sz * az * az, 1e-9)
    t = ((sx * ax / length) * x + (sy * ay / length) * y + (sz * az / length) * z).clamp_(0, 1)
    x, y, z = x - ax * t, y - ay * t, z - az * t
    scaled = sx * x * x + sy * y * y + sz * z * z
    size = (scaled + 1e-6).sqrt()
    distance = size - radius if end_radius is None else size - (radius + (end_radius - radius) * t)
    if sx == sy == sz == 1:
        return distance
    return distance * size / (sx * sx * x * x + sy * sy * y * y + sz * sz * z * z + 1e-6).sqrt()


def ellipsoid(p: torch.Tensor, center: Vector, radii: Vector) -> torch.Tensor:
    """An ellipsoid with axes along x, y, z."""
    x, y, z = ((row - c) / r for row, c, r in zip(p, center, radii, strict=True))
    rx, ry, rz = radii
    scaled = (x * x + y * y + z * z).sqrt().clamp(min=1e-3)
    gradient = ((x / rx) ** 2 + (y / ry) ** 2 + (z / rz) ** 2).sqrt().clamp(min=1e-5)
    return scaled * (scaled - 1) / gradient


def superellipse(
    u: torch.Tensor, v: torch.Tensor, a: float | torch.Tensor, b: float | torch.Tensor, power: float = 2.5
) -> torch.Tensor:
    """A cylinder along z with the cross-section |u/a|^n + |v/b|^n = 1; a and b may vary by point."""
    if power == 2:
        radius = ((u / a) ** 2 + (v / b) ** 2 + 1e-6).sqrt()
    else:
        radius = ((u.abs() / a) ** power + (v.abs() / b) ** power + 1e-6) ** (1 / power)
    return (radius - 1) * torch.sqrt(u * u + v * v + 1e-6) / radius


def vertebral_body(
    p: torch.Tensor, width: float, depth: float, height: float, wedge: float = 0.0, waist: float = 0.1
) -> torch.Tensor:
    """A vertebral body centred at the origin: kidney-shaped, waisted, with concave end plates.

    `wedge` is the relative loss of height of the anterior edge (y < 0).
    """
    x, y, z = p
    slim = 1 - waist * (1 - (2 * z / height).clamp(-1, 1) ** 2)
    side = superellipse(x / slim, y / slim, width / 2, depth / 2)
    side = side + 0.12 * depth * torch.exp(-((x / (0.22 * width)) ** 2)) * (y > 0)
    inner = ((x / (width / 2)) ** 2 + (y / (depth / 2)) ** 2).clamp(max=1)
    top = height / 2 * (1 - wedge * (0.5 - y / depth).clamp(0, 1)) - 0.055 * height * (1 - inner)
    bottom = height / 2 - 0.065 * height * (1 - inner)
    return smooth_max(side, smooth_max(z - top, -z - bottom, 1.0), 1.6)


def smooth_max(a: torch.Tensor, b: torch.Tensor, rounding_mm: float) -> torch.Tensor:
    """Intersection of two solids with a rounded edge."""
    return -smooth_min(-a, -b, rounding_mm)


def smooth_min(a: torch.Tensor, b: torch.Tensor, rounding_mm: float) -> torch.Tensor:
    """Union of two solids with a fillet (quadratic polynomial)."""
    h = (rounding_mm - (a - b).abs()).clamp_(min=0)
    return torch.minimum(a, b) - h * h * (0.25 / rounding_mm)
