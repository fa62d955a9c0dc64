"""Rigidity losses vanish for rigid motions and have known values for affine ones."""

from __future__ import annotations

import pytest
import torch
from scipy.spatial.transform import Rotation
from spine_ctmr.network.integration import voxel_indices
from spine_ctmr.research.losses.rigidity import (
    jacobian,
    orthonormality,
    properness,
    rigid_field,
    rigid_field_distance,
    rigid_fit,
)
from torch import Tensor

SHAPE, SPACING = (8, 10, 12), (1.5, 2.0, 3.0)
LOSSES = (properness, orthonormality, rigid_field, rigid_field_distance)


def points() -> Tensor:
    return voxel_indices(SHAPE, torch.zeros(1, dtype=torch.float64)) * torch.tensor(SPACING)


def affine_field(matrix: Tensor, translation: tuple[float, float, float] = (0, 0, 0)) -> Tensor:
    moved = points() @ matrix.T + torch.tensor(translation)
    return (moved - points()).permute(3, 0, 1, 2)[None]


def rotation(degrees: list[float]) -> Tensor:
    return torch.from_numpy(Rotation.from_euler("xyz", degrees, degrees=True).as_matrix())


def two_vertebrae() -> Tensor:
    labels = torch.zeros(1, 1, *SHAPE, dtype=torch.long)
    labels[:, :, :3] = 20
    labels[:, :, 5:, :5] = 21
    return labels


@pytest.mark.parametrize("loss", LOSSES)
def test_rigid_motions_cost_nothing(loss) -> None:  # type: ignore[no-untyped-def]
    turn = affine_field(rotation([5, -20, 40]), (10, -20, 30))
    shift = affine_field(torch.eye(3, dtype=torch.float64), (4, 5, 6))
    both = torch.cat([turn[:, :, :4], shift[:, :, 4:]], 2)
    assert loss(turn, two_vertebrae(), SPACING) < 1e-12
    inner = two_vertebrae() * torch.isin(torch.arange(8), torch.tensor([0, 1, 2, 6, 7]))[:, None, None]
    assert loss(both, inner, SPACING) < 1e-12


@pytest.mark.parametrize("loss", LOSSES)
def test_deformation_outside_vertebrae_costs_nothing(loss) -> None:  # type: ignore[no-untyped-def]
    field = torch.randn(1, 3, *SHAPE, dtype=torch.float64, requires_grad=True)
    value = loss(field, torch.zeros(1, 1, *SHAPE, dtype=torch.long), SPACING)
    assert value == 0


def test_jacobian_of_an_affine_field_is_its_matrix() -> None:
    matrix = torch.tensor([[1.1, 0.2, 0.3], [0.0, 0.9, -0.4], [0.5, 0.0, 1.2]], dtype=torch.float64)
    found = jacobian(affine_field(matrix), SPACING)
    torch.testing.assert_close(found, matrix.expand(1, *SHAPE, 3, 3))


def test_uniform_scaling_has_the_known_penalties() -> None:
    field = affine_field(1.1 * torch.eye(3, dtype=torch.float64))
    labels = two_vertebrae()
    assert properness(field, labels, SPACING) == pytest.approx((1.1**3 - 1) ** 2)
    assert orthonormality(field, labels, SPACING) == pytest.approx(3 * 0.21**2)
    spread = [
        (p - p.mean(0)).square().sum(-1).mean() for p in (points()[labels[0, 0] == v] for v in (20, 21))
    ]
    assert rigid_field(field, labels, SPACING) == pytest.approx(0.01 * float(sum(spread)) / 2)
    arms = [(p - p.mean(0)).norm(dim=-1).mean() for p in (points()[labels[0, 0] == v] for v in (20, 21))]
    assert rigid_field_distance(field, labels, SPACING) == pytest.approx(0.1 * float(sum(arms)) / 2)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_vertebra_counts_once_however_large(loss) -> None:  # type: ignore[no-untyped-def]
    field = affine_field(1.1 * torch.eye(3, dtype=torch.float64))
    field[:, :, 4:] = 0
    labels = two_vertebrae()
    labels[:, :, 4:6] = 0
    alone = loss(field, labels * (labels == 20), SPACING)
    assert alone > 0
    assert loss(field, labels, SPACING) == pytest.approx(float(alone) / 2)


def test_reflection_is_not_taken_for_a_rotation() -> None:
    cloud = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found, _ = rigid_fit(cloud, cloud * torch.tensor([-1.0, 1, 1]))
    assert torch.linalg.det(found) == pytest.approx(1)


def test_fit_recovers_a_rigid_motion_far_from_the_origin() -> None:
    cloud = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1000
    turn = rotation([10, 20, 170])
    found, translation = rigid_fit(cloud, cloud @ turn.T + 5)
    torch.testing.assert_close(found, turn)
    torch.testing.assert_close(translation, torch.full((3,), 5.0, dtype=torch.float64), atol=1e-8, rtol=0)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss is not rigid_field_distance])
def test_gradient(loss) -> None:  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(1)
    field = 0.3 * torch.randn(1, 3, 3, 4, 3, generator=generator, dtype=torch.float64)
    labels = torch.ones(1, 1, 3, 4, 3, dtype=torch.long)
    labels[:, :, :, 2:] = 2
    assert torch.autograd.gradcheck(lambda f: loss(f, labels, SPACING), field.requires_grad_())


def test_distance_takes_the_rigid_motion_for_a_constant() -> None:
    """One voxel off its fit pulls at itself with 1/n, along its residual."""
    field = torch.zeros(1, 3, *SHAPE, dtype=torch.float64)
    field[0, 0, 1, 2, 3] = 2.0
    labels = two_vertebrae() * (two_vertebrae() == 20)
    rigid_field_distance(field.requires_grad_(), labels, SPACING).backward()
    assert field.grad is not None
    count = int((labels > 0).sum())
    lengths = field.grad.norm(dim=1)[labels[:, 0] > 0] * count
    torch.testing.assert_close(lengths, torch.ones_like(lengths))
    assert field.grad[0, 0, 1, 2, 3] * count == pytest.approx(1, abs=0.01)
