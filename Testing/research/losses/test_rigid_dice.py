"""Rigid dice and volume change of fields whose closest rigid motion or volume is known."""

from __future__ import annotations

import math

import pytest
import torch
from spine_ctmr.network.integration import voxel_indices, warp
from spine_ctmr.research.losses.rigid_dice import closest_rigid_mask, rigid_dice, volume_change
from torch.nn import functional

SPACING = 2.0
SIDES = (20, 22, 24)


def grid() -> torch.Tensor:
    """Points (Z, Y, X, 3) in mm."""
    return voxel_indices(SIDES, torch.zeros((), dtype=torch.float64)) * SPACING


def affine_field(matrix: torch.Tensor, shift: tuple[float, float, float] = (0, 0, 0)) -> torch.Tensor:
    """Displacement (1, 3, Z, Y, X) of an affine motion about the middle of the grid."""
    points = grid()
    middle = points.reshape(-1, 3).mean(0)
    moved = (points - middle) @ matrix.double().T + middle + torch.tensor(shift, dtype=torch.float64)
    return (moved - points).permute(3, 0, 1, 2)[None]


def turn(degrees: float) -> torch.Tensor:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=torch.float64)


def block() -> torch.Tensor:
    """An asymmetric vertebra: a body and a process."""
    labels = torch.zeros(1, 1, *SIDES, dtype=torch.long)
    labels[:, :, 7:13, 7:13, 8:16] = 20
    labels[:, :, 8:11, 13:17, 11:13] = 20
    return labels


RIGID = [(turn(0), (0, 0, 0)), (turn(0), (3.1, -2.3, 1.7)), (turn(15), (1.0, 2.0, -1.5))]


@pytest.mark.parametrize(("matrix", "shift"), RIGID)
def test_zero_for_rigid_motions(matrix: torch.Tensor, shift: tuple[float, float, float]) -> None:
    assert rigid_dice(affine_field(matrix, shift), block(), SPACING).item() == pytest.approx(0, abs=1e-12)


def test_scaling_costs_the_overlap_of_the_scaled_and_the_plain_ball() -> None:
    """A ball grown by 1.25: the closest rigid motion leaves it, and Dice is 2 v / (v + V)."""
    side, radius = 64, 24.0
    points = voxel_indices((side,) * 3, torch.zeros(())) - (side - 1) / 2
    labels = (points.norm(dim=-1) < radius).long()[None, None] * 20
    grown = (points / 1.25 - points).permute(3, 0, 1, 2)[None]
    expected = 1 - 2 / (1 + 1.25**3)
    assert rigid_dice(grown, labels, 1.0).item() == pytest.approx(expected, abs=0.02)


def test_newton_steps_find_the_motion_of_the_mask_where_its_inside_moves_otherwise() -> None:
    """A mask shows only where its border went: here 3 mm, which the fit of all vectors does not find."""
    field = affine_field(turn(0), (3.0, 0, 0))
    moved = warp((block() > 0).double(), field, SPACING)
    inside = -functional.max_pool3d(-(moved == 1).double(), 3, stride=1, padding=1) > 0
    field = torch.where(inside, 0.0, field)
    assert inside.sum() > 40
    assert torch.equal(warp((block() > 0).double(), field, SPACING), moved)
    assert rigid_dice(field, block(), SPACING).item() < 1e-3


def test_closest_rigid_motion_beats_all_its_neighbours() -> None:
    field = affine_field(torch.diag(torch.tensor([1.1, 0.95, 1.0])), (1.0, 0.5, 0))
    mask = (block() > 0).double()
    moved = warp(mask, field, SPACING)
    found = closest_rigid_mask(mask, moved, grid().reshape(-1, 3), field, SPACING)
    least = (found - moved).square().sum()
    for x in (-1.0, 0.0, 1.0, 2.0):
        for angle in (-4.0, 0.0, 4.0):
            other = warp(mask, affine_field(turn(angle), (x, 0.5, 0)), SPACING)
            assert (other - moved).square().sum() >= 0.98 * least


def test_volume_change_of_a_scaling() -> None:
    grown = affine_field(torch.eye(3) / 1.2)
    assert volume_change(grown, block(), SPACING).item() == pytest.approx(1.2**3 - 1, rel=0.05)
    assert volume_change(affine_field(torch.eye(3)), block(), SPACING) == 0
    assert volume_change(affine_field(turn(0), (2.0, 4.0, -2.0)), block(), SPACING).item() < 1e-12


def test_a_cut_vertebra_has_no_known_volume() -> None:
    labels = torch.zeros(1, 1, *SIDES, dtype=torch.long)
    labels[:, :, :5, 7:13, 8:16] = 20
    assert volume_change(affine_field(torch.eye(3) / 1.2), labels, SPACING) == 0


@pytest.mark.parametrize("loss", [rigid_dice, volume_change])
def test_vertebrae_count_once_each_and_lost_ones_not(loss) -> None:  # type: ignore[no-untyped-def]
    field = affine_field(torch.eye(3) / 1.2)
    one, none = block(), torch.zeros_like(block())
    alone = loss(field, one, SPACING)
    assert loss(field, none, SPACING) == 0
    both = loss(torch.cat([field, 0 * field]), torch.cat([one, one]), SPACING)
    assert both.item() == pytest.approx(alone.item() / 2, abs=1e-9)
    assert loss(field + 1000.0, one, SPACING) == 0


@pytest.mark.parametrize("loss", [rigid_dice, volume_change])
def test_a_margin_of_the_labels_changes_nothing(loss) -> None:  # type: ignore[no-untyped-def]
    field = affine_field(torch.diag(torch.tensor([1.1, 0.9, 1.05])))
    inner = field[..., 2:-2, 2:-2, 2:-2]
    cut = loss(inner, block(), SPACING, margin=2)
    assert cut.item() == pytest.approx(loss(field, block(), SPACING).item(), rel=1e-6)


def test_gradients() -> None:
    generator = torch.Generator().manual_seed(1)
    labels = torch.zeros(1, 1, 6, 6, 6, dtype=torch.long)
    labels[:, :, 2:4, 2:4, 2:4] = 7
    field = 0.3 * torch.randn(1, 3, 6, 6, 6, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda f: volume_change(f, labels, 1.0), field.requires_grad_())
    weights = rigid_dice(field, labels, 1.0)
    (direction,) = torch.autograd.grad(weights, field)
    lower = rigid_dice(field - 1e-3 * direction / direction.norm(), labels, 1.0)
    slope = (weights - lower) / 1e-3
    # the closest rigid motion is optimal, so leaving its derivative out changes nothing to first order
    assert slope.item() == pytest.approx(direction.norm().item(), rel=0.2)
