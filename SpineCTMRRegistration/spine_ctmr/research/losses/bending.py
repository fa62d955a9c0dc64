"""Second derivatives of a displacement: bending energy in bone, and the Laplacian.

Displacements are (B, 3, Z, Y, X) in mm with components (x, y, z) along the axes of an isotropic grid.
Derivatives are central differences, known in every voxel but the grid's outermost ones.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from .rigidity import mean_over_vertebrae, vertebrae

_AXES = (2, 3, 4)


def bending_energy(displacement: Tensor, labels: Tensor, spacing_mm: float) -> Tensor:
    """Sum of the squares of all second derivatives in mm^-2, mixed ones twice, inside labels.

    Rueckert et al. 1999; van Ulsen 2022, eq. 3.11. 0 for every affine motion. Mean over the voxels of a
    label, then over the labels present, as in `rigidity`; 0 without any.

    Args:
        displacement: as above.
        labels: integers (B, 1, Z, Y, X), 0 for no label.
        spacing_mm: of the grid.
    """
    pure = [_second(displacement, axis).square() for axis in _AXES]
    mixed = [2 * _mixed(displacement, *pair).square() for pair in combinations(_AXES, 2)]
    energy = torch.stack(pure + mixed).sum((0, 2)) / spacing_mm**4
    inner = _middle(labels, _AXES)
    return mean_over_vertebrae([energy[b][mask].mean() for b, mask in vertebrae(inner)], displacement)


def squared_laplacian(displacement: Tensor, spacing_mm: float) -> Tensor:
    """Squared length of the Laplacian in mm^-2, mean over the voxels (Cao et al. 2018, eq. 4)."""
    laplacian = torch.stack([_second(displacement, axis) for axis in _AXES]).sum(0) / spacing_mm**2
    return laplacian.square().sum(1).mean()


def _second(field: Tensor, axis: int) -> Tensor:
    """Second derivative along one axis, times the squared spacing."""
    return _middle(field.diff(n=2, dim=axis), [a for a in _AXES if a != axis])


def _mixed(field: Tensor, first: int, second: int) -> Tensor:
    """Derivative along two axes, times the squared spacing."""
    for axis in (first, second):
        count = field.shape[axis] - 2
        field = (field.narrow(axis, 2, count) - field.narrow(axis, 0, count)) / 2
    return _middle(field, [a for a in _AXES if a not in (first, second)])


def _middle(field: Tensor, axes: list[int] | tuple[int, ...]) -> Tensor:
    """Without the first and the last voxel along some axes."""
    for axis in axes:
        field = field.narrow(axis, 1, field.shape[axis] - 2)
    return field
