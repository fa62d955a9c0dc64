"""Normalised cross-correlation against numpy's and its known values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from spine_ctmr.research.losses.correlation import correlation_loss

IMAGES = torch.rand(2, 1, 4, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
OTHERS = torch.rand(2, 1, 4, 5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
ALL = torch.ones_like(IMAGES)


def test_value_is_that_of_numpy() -> None:
    expected = [1 - np.corrcoef(a.flatten(), b.flatten())[0, 1] for a, b in zip(IMAGES, OTHERS, strict=True)]
    assert float(correlation_loss(IMAGES, OTHERS, ALL)) == pytest.approx(np.mean(expected))


def test_linear_changes_of_contrast_cost_nothing_and_inversion_most() -> None:
    assert float(correlation_loss(IMAGES, 3 * IMAGES + 1, ALL)) == pytest.approx(0, abs=1e-9)
    assert float(correlation_loss(IMAGES, 2 - IMAGES, ALL)) == pytest.approx(2)


def test_voxels_without_weight_do_not_count() -> None:
    weight = ALL.clone()
    weight[..., 3:] = 0
    changed = OTHERS.clone()
    changed[..., 3:] = 100
    expected = correlation_loss(IMAGES[..., :3], OTHERS[..., :3], ALL[..., :3])
    torch.testing.assert_close(correlation_loss(IMAGES, changed, weight), expected)


def test_constant_images_and_empty_weights_have_a_finite_gradient() -> None:
    constant = torch.full_like(IMAGES, 0.5, requires_grad=True)
    loss = correlation_loss(IMAGES, constant, ALL) + correlation_loss(IMAGES, constant, 0 * ALL)
    loss.backward()
    assert loss.item() == pytest.approx(2)
    assert torch.isfinite(constant.grad).all()


def test_gradient() -> None:
    first = IMAGES[:, :, :2, :2, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a: correlation_loss(a, OTHERS[:, :, :2, :2, :3], ALL[:, :, :2, :2, :3]), first
    )
