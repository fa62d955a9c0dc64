"""Dice of van Ulsen 2022, eq. 3.4."""

from __future__ import annotations

import pytest
import torch
from spine_ctmr.research.losses.dice import overlap_loss


def test_binary_masks_have_the_ordinary_dice() -> None:
    first, second = torch.zeros(2, 1, 1, 4, 4, 4)
    first[..., :2] = 1
    second[..., 1:4] = 1
    assert float(overlap_loss(first, second)) == pytest.approx(1 - 2 * 1 / 5)


def test_soft_edges_cost_something() -> None:
    soft = torch.full((1, 1, 2, 2, 2), 0.5)
    assert float(overlap_loss(soft, soft)) == pytest.approx(1 - 2 * 0.25 / 1)


def test_masks_that_are_empty_do_not_divide_by_zero() -> None:
    empty = torch.zeros(1, 1, 2, 2, 2, requires_grad=True)
    overlap_loss(empty, empty).backward()
    assert torch.isfinite(empty.grad).all()
