from __future__ import annotations

import math

import pytest
import torch
from spine_ctmr.research.losses.dice import dice_loss
from spine_ctmr.research.losses.displacement import charbonnier, displacement_loss, weighted_mean
from spine_ctmr.research.losses.smoothness import diffusion


def test_charbonnier_is_quadratic_then_linear() -> None:
    error = torch.tensor([0.0, 0.003, 30.0], dtype=torch.float64).reshape(3, 1, 1, 1, 1).expand(3, 3, 1, 1, 1)
    zero, small, large = charbonnier(error, 0.1).flatten().tolist()
    assert zero == 0
    assert small == pytest.approx(3 * 0.003**2 / 0.2, rel=1e-2)
    assert large == pytest.approx(math.sqrt(3) * 30, rel=5e-3)


def test_displacement_loss_only_sees_the_weighted_voxels() -> None:
    predicted = torch.zeros(2, 3, 4, 4, 4, dtype=torch.float64)
    true = predicted.clone()
    true[:, 0, 2:] = 4.0
    true[:, 1, 2:] = 3.0
    weight = torch.zeros(2, 1, 4, 4, 4, dtype=torch.float64)
    assert displacement_loss(predicted, true, weight) == 0
    weight[:, :, :2] = 1
    assert displacement_loss(predicted, true, weight) == 0
    weight[:] = 1
    assert displacement_loss(predicted, true, weight) == pytest.approx((math.sqrt(25.01) - 0.1) / 2)
    assert displacement_loss(predicted, true, 7 * weight) == pytest.approx((math.sqrt(25.01) - 0.1) / 2)


def test_weighted_mean_without_weights_is_zero_with_zero_gradient() -> None:
    values = torch.ones(3, requires_grad=True)
    weighted_mean(values, torch.zeros(3)).backward()
    assert values.grad is not None
    assert not values.grad.any()


def test_diffusion_of_a_linear_field_is_its_mean_squared_slope() -> None:
    z, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (5, 6, 7)), indexing="ij")
    spacing = (2.0, 3.0, 4.0)
    field = torch.stack([0.3 * x * spacing[0], 0.5 * z * spacing[2], 0.7 * y * spacing[1]])[None]
    assert diffusion(field, spacing) == pytest.approx((0.09 + 0.25 + 0.49) / 9)
    assert diffusion(torch.ones_like(field), 2.0) == 0


def test_dice_of_equal_disjoint_half_and_empty_masks() -> None:
    mask = torch.zeros(1, 1, 4, 4, 4)
    mask[..., :2] = 1
    half = mask.clone()
    half[:, :, :2] = 0
    assert dice_loss(mask, mask) == 0
    assert dice_loss(0.3 * mask, 0.3 * mask) == 0
    assert dice_loss(mask, 1 - mask) == 1
    assert dice_loss(mask, half).item() == pytest.approx(1 - 2 * 16 / (32 + 16))
    assert dice_loss(0 * mask, 0 * mask) == 0
    assert dice_loss(torch.cat([mask, mask]), torch.cat([mask, 1 - mask])).item() == pytest.approx(0.5)


def test_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    field = torch.randn(1, 3, 3, 3, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(1, 1, 3, 3, 3, generator=generator, dtype=torch.float64)
    mask = torch.rand(1, 3, 3, 3, 3, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda f: displacement_loss(f, mask, weight), field)
    assert torch.autograd.gradcheck(lambda f: diffusion(f, (1.0, 2.0, 3.0)), field)
    assert torch.autograd.gradcheck(lambda f: dice_loss(f, mask), field)
