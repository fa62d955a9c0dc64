"""Second derivatives of fields that are known: none of affine ones, constant ones of quadratic ones."""

from __future__ import annotations

import pytest
import torch
from spine_ctmr.network.integration import voxel_indices
from spine_ctmr.research.losses.bending import bending_energy, squared_laplacian
from torch import Tensor

SHAPE, SPACING = (6, 7, 8), 2.0
EVERYWHERE = torch.ones(1, 1, *SHAPE, dtype=torch.long)


def points() -> Tensor:
    return SPACING * voxel_indices(SHAPE, torch.zeros(1, dtype=torch.float64))


def field(*components: Tensor) -> Tensor:
    return torch.stack(components)[None]


def quadratic() -> Tensor:
    """Second derivatives: xx 3 and yz 5 of the first component, zz 2 and xy -4 of the second."""
    x, y, z = points().unbind(-1)
    return field(1.5 * x * x + 5 * y * z, z * z - 4 * x * y, 7 * x - 2 * z)


def test_affine_motion_costs_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    affine = (points() @ matrix.T + 9).permute(3, 0, 1, 2)[None]
    assert bending_energy(affine, EVERYWHERE, SPACING) < 1e-20
    assert squared_laplacian(affine, SPACING) < 1e-20


def test_quadratic_motion_has_the_known_energies() -> None:
    energy = bending_energy(quadratic(), EVERYWHERE, SPACING)
    assert float(energy) == pytest.approx(3**2 + 2**2 + 2 * (5**2 + 4**2))
    assert float(squared_laplacian(quadratic(), SPACING)) == pytest.approx(3**2 + 2**2)


def test_bending_counts_inside_the_label_alone() -> None:
    labels = torch.zeros_like(EVERYWHERE)
    labels[..., :3, :, :] = 20
    bent = quadratic()
    bent[:, :, :4] = 0
    assert bending_energy(bent, labels, SPACING) == 0
    assert bending_energy(quadratic(), labels, SPACING) == pytest.approx(95)
    assert bending_energy(quadratic(), 0 * labels, SPACING) == 0


def test_gradients() -> None:
    generator = torch.Generator().manual_seed(1)
    random = torch.randn(1, 3, 4, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.ones(1, 1, 4, 4, 5, dtype=torch.long)
    assert torch.autograd.gradcheck(lambda f: bending_energy(f, labels, SPACING), random)
    assert torch.autograd.gradcheck(lambda f: squared_laplacian(f, SPACING), random)
