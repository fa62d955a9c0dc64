"""Normalised gradient fields against angles that are known."""

from __future__ import annotations

import math

import pytest
import torch
from spine_ctmr.research.losses.gradient_fields import gradient_field_distance

SIDE = 12


def ramp(degrees: float, slope: float = 1.0) -> torch.Tensor:
    """Intensity rising along a direction in the x-y plane."""
    axis = torch.arange(SIDE, dtype=torch.float64)
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    turn = math.radians(degrees)
    return (slope * (math.cos(turn) * x + math.sin(turn) * y) + 0 * z)[None, None]


def noise(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 1, 6, 6, 6, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 150])
def test_ramps_have_the_distance_of_their_angle(degrees: float) -> None:
    """Without an edge parameter sin^2 of the angle; with one of the gradients' length (cos + 1)^2 / 4."""
    cosine = math.cos(math.radians(degrees))
    found = gradient_field_distance(ramp(0), ramp(degrees, 5.0), edge=0.0)
    assert found.item() == pytest.approx(1 - cosine**2, abs=1e-9)
    damped = gradient_field_distance(ramp(0), ramp(degrees, 5.0), edge=1.0)
    assert damped.item() == pytest.approx(1 - ((cosine + 1) / 2) ** 2, abs=1e-9)


def test_zero_for_equal_linear_and_flat_images() -> None:
    image = noise(0)
    assert gradient_field_distance(image, image).item() == pytest.approx(0, abs=1e-12)
    assert gradient_field_distance(image, 3 * image + 2).item() == pytest.approx(0, abs=1e-12)
    flat = torch.ones_like(image)
    assert gradient_field_distance(flat, flat).item() == pytest.approx(0, abs=1e-9)


def test_weight_chooses_the_voxels() -> None:
    first = ramp(0)
    second = torch.cat([ramp(0)[:, :, :6], ramp(90)[:, :, 6:]], 2)
    weight = torch.zeros_like(first)
    weight[:, :, :5] = 1
    assert gradient_field_distance(first, second, weight, edge=0.0).item() == pytest.approx(0, abs=1e-9)
    weight = torch.zeros_like(first)
    weight[:, :, 7:] = 2
    assert gradient_field_distance(first, second, weight, edge=0.0).item() == pytest.approx(1)


def test_gradient() -> None:
    first, second = noise(0), noise(1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: gradient_field_distance(first, x, edge=0.0), second)
