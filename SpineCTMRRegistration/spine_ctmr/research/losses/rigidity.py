"""How far each vertebra is from moving rigidly (Jian et al. 2022, eq. 4, 6 and 7).

Displacements are (B, 3, Z, Y, X) in mm with components (x, y, z) along the grid's axes; labels are integers
(B, 1, Z, Y, X) on the displacement's own grid (the MR frame), 0 for no vertebra. Every loss is a mean over
the voxels of a vertebra, then over all vertebrae present, so that small vertebrae count as much as large
ones; without vertebrae it is 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ...network.integration import voxel_indices

Spacing = float | tuple[float, float, float]


def jacobian(displacement: Tensor, spacing_mm: Spacing) -> Tensor:
    """Jacobian matrix (B, Z, Y, X, 3, 3) of x + displacement(x); entry (i, j) derives component i by axis j.

    Central differences, one-sided in the outermost voxels (eq. 5).
    """
    x, y, z = spacing_mm if isinstance(spacing_mm, tuple) else (spacing_mm,) * 3
    dz, dy, dx = torch.gradient(displacement, spacing=(z, y, x), dim=(2, 3, 4))
    gradient = torch.stack([dx, dy, dz], -1).permute(0, 2, 3, 4, 1, 5)
    return gradient + torch.eye(3, dtype=gradient.dtype, device=gradient.device)


def properness(displacement: Tensor, labels: Tensor, spacing_mm: Spacing) -> Tensor:
    """Mean squared deviation of the Jacobian determinant from 1 (eq. 6)."""
    deviation = (torch.linalg.det(jacobian(displacement, spacing_mm)) - 1).square()
    return mean_over_vertebrae([deviation[b][mask].mean() for b, mask in vertebrae(labels)], displacement)


def orthonormality(displacement: Tensor, labels: Tensor, spacing_mm: Spacing) -> Tensor:
    """Mean squared Frobenius norm of J^T J - I (eq. 7)."""
    matrix = jacobian(displacement, spacing_mm)
    identity = torch.eye(3, dtype=matrix.dtype, device=matrix.device)
    deviation = (matrix.transpose(-1, -2) @ matrix - identity).square().sum((-1, -2))
    return mean_over_vertebrae([deviation[b][mask].mean() for b, mask in vertebrae(labels)], displacement)


def rigid_field(displacement: Tensor, labels: Tensor, spacing_mm: Spacing) -> Tensor:
    """Mean squared distance in mm^2 of the field to its best rigid motion per vertebra (eq. 4)."""
    residuals = rigid_residuals(displacement, labels, spacing_mm)
    return mean_over_vertebrae([r.square().sum(-1).mean() for r in residuals], displacement)


def rigid_field_distance(displacement: Tensor, labels: Tensor, spacing_mm: Spacing) -> Tensor:
    """Mean distance in mm of the field to its best rigid motion per vertebra.

    What the authors' public code computes in place of eq. 4; their weight of 0.01 belongs to it. The rigid
    motion, of least squares, is a constant for the gradient, as there.
    """
    residuals = rigid_residuals(displacement, labels, spacing_mm)
    return mean_over_vertebrae([torch.linalg.vector_norm(r, dim=-1).mean() for r in residuals], displacement)


def rigid_residuals(displacement: Tensor, labels: Tensor, spacing_mm: Spacing) -> list[Tensor]:
    """What the best rigid motion of every vertebra leaves of the field, (n, 3) in mm at its n voxels."""
    spacing = displacement.new_tensor(spacing_mm)
    points = voxel_indices(displacement.shape[2:], displacement) * spacing
    moved = points + displacement.permute(0, 2, 3, 4, 1)
    residuals = []
    for b, mask in vertebrae(labels):
        source, target = points[mask], moved[b][mask]
        rotation, translation = rigid_fit(source, target)
        residuals.append(target - source @ rotation.T - translation)
    return residuals


@torch.no_grad()
def rigid_fit(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation (3, 3) and translation (3,) with least squared distance |R source + t - target|^2.

    Kabsch's method on points (n, 3). Not differentiated: at the optimum the residual's derivative by the
    rigid motion is zero, so the gradient of the residual is exact, and that of a degenerate SVD is avoided.
    """
    a, b = source.mean(0), target.mean(0)
    u, _, vt = torch.linalg.svd((source - a).T @ (target - b))
    signs = torch.ones_like(a)
    signs[2] = torch.sign(torch.linalg.det(u) * torch.linalg.det(vt))
    rotation = vt.T @ torch.diag(signs) @ u.T
    return rotation, b - rotation @ a


def vertebrae(labels: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Sample number and boolean mask (Z, Y, X) of every vertebra."""
    for b, volume in enumerate(labels[:, 0]):
        for label in volume.unique().tolist():
            if label > 0:
                yield b, volume == label


def mean_over_vertebrae(values: list[Tensor], like: Tensor) -> Tensor:
    """Mean of scalars; 0, with the type and device of `like`, without any."""
    return torch.stack(values).mean() if values else like.new_zeros(())
