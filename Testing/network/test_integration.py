"""Scaling and squaring against matrix exponentials; half-voxel offsets against coordinates."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from spine_ctmr.network.integration import (
    compose,
    displacement_of,
    integrate,
    upsample,
    voxel_indices,
    warp,
)
from torch import Tensor

SHAPE = (20, 24, 28)
SPACING = (2.0, 1.5, 3.0)
LIKE = torch.zeros(1, dtype=torch.float64)


def points(shape: tuple[int, int, int] = SHAPE) -> Tensor:
    """Voxel centres (Z, Y, X, 3) in mm about the grid's centre."""
    index = voxel_indices(shape, LIKE)
    return (index - (torch.tensor(shape[::-1]) - 1) / 2) * torch.tensor(SPACING)


def as_field(vectors: Tensor) -> Tensor:
    return vectors.permute(3, 0, 1, 2)[None]


def inner(field: Tensor, margin: int = 5) -> Tensor:
    cut = slice(margin, -margin)
    return field[:, :, cut, cut, cut]


def smooth_velocity(seed: int) -> Tensor:
    """Random plane waves of a few mm, zero at the border."""
    generator = torch.Generator().manual_seed(seed)
    index = voxel_indices(SHAPE, LIKE) / (torch.tensor(SHAPE[::-1]) - 1)
    window = torch.sin(np.pi * index).square().prod(-1)
    waves = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    phases = 2 * np.pi * torch.rand(3, generator=generator, dtype=torch.float64)
    return as_field(3 * window[..., None] * torch.sin(3 * index @ waves + phases))


def test_zero_velocity_is_the_identity() -> None:
    assert integrate(torch.zeros(1, 3, *SHAPE), SPACING).abs().max() == 0


def test_constant_velocity_is_a_translation_up_to_the_border() -> None:
    velocity = torch.tensor([3.0, -5.0, 7.0], dtype=torch.float64).reshape(1, 3, 1, 1, 1).expand(1, 3, *SHAPE)
    torch.testing.assert_close(integrate(velocity, SPACING), velocity.clone())


def test_linear_velocity_is_the_matrix_exponential() -> None:
    a = torch.tensor([[0.02, -0.12, 0.05], [0.12, -0.01, -0.07], [-0.05, 0.07, 0.03]], dtype=torch.float64)
    displacement = integrate(as_field(points() @ a.T), SPACING, squarings=12)
    expected = as_field(points() @ (torch.linalg.matrix_exp(a) - torch.eye(3)).T)
    torch.testing.assert_close(inner(displacement), inner(expected), atol=2e-3, rtol=0)


def test_seven_squarings_are_accurate_enough() -> None:
    angle = np.deg2rad(8)
    a = torch.tensor([[0, -angle, 0], [angle, 0, 0], [0, 0, 0]], dtype=torch.float64)
    displacement = integrate(as_field(points() @ a.T), SPACING)
    expected = as_field(points() @ (torch.linalg.matrix_exp(a) - torch.eye(3)).T)
    assert (inner(displacement) - inner(expected)).abs().max() < 5e-3


def test_negative_velocity_is_the_inverse() -> None:
    velocity = smooth_velocity(0)
    there, back = integrate(velocity, SPACING), integrate(-velocity, SPACING)
    assert there.abs().max() > 1.5
    assert compose(back, there, SPACING).norm(dim=1).max() < 0.1


def test_half_velocity_composed_with_itself_is_the_whole() -> None:
    velocity = smooth_velocity(1)
    half = integrate(velocity / 2, SPACING, squarings=6)
    torch.testing.assert_close(compose(half, half, SPACING), integrate(velocity, SPACING))


def test_compose_applies_the_inner_field_first() -> None:
    shift = torch.tensor([4.0, 0, 0], dtype=torch.float64).reshape(1, 3, 1, 1, 1).expand(1, 3, *SHAPE)
    stretch = as_field(points() * torch.tensor([0.1, 0, 0], dtype=torch.float64))
    result = compose(stretch, shift, SPACING)[0, 0, 10, 10]
    x = points()[10, 10, :, 0]
    torch.testing.assert_close(result[:-3], (4 + 0.1 * (x + 4))[:-3])


@pytest.mark.parametrize("seed", [0, 1])
def test_warp_agrees_with_simpleitk(seed: int) -> None:
    image = torch.rand(SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    displacement = smooth_velocity(seed)
    vectors = displacement[0].permute(1, 2, 3, 0).contiguous().numpy()
    field = sitk.GetImageFromArray(vectors, isVector=True)
    moving = sitk.GetImageFromArray(image.numpy())
    field.SetSpacing(SPACING)
    moving.SetSpacing(SPACING)
    expected = sitk.Resample(moving, moving, sitk.DisplacementFieldTransform(field), sitk.sitkLinear)
    found = warp(image[None, None], displacement, SPACING)
    np.testing.assert_allclose(
        inner(found, 2)[0, 0], sitk.GetArrayFromImage(expected)[2:-2, 2:-2, 2:-2], atol=1e-9
    )


def test_upsampled_sample_k_lies_at_index_2k_and_a_half() -> None:
    coarse = 2 * voxel_indices((6, 7, 8), LIKE) + 0.5
    fine = upsample(as_field(coarse))
    assert fine.shape == (1, 3, 12, 14, 16)
    expected = as_field(voxel_indices((12, 14, 16), LIKE))
    torch.testing.assert_close(inner(fine, 1), inner(expected, 1))


def test_full_resolution_displacement_of_a_rotation() -> None:
    a = torch.tensor([[0, -0.1, 0], [0.1, 0, 0.05], [0, -0.05, 0]], dtype=torch.float64)
    full = (points((40, 48, 56)) @ a.T).permute(3, 0, 1, 2)[None]
    velocity = torch.nn.functional.avg_pool3d(full, 2)
    expected = as_field(points((40, 48, 56)) @ (torch.linalg.matrix_exp(a) - torch.eye(3)).T)
    difference = inner(displacement_of(velocity, SPACING), 10) - inner(expected, 10)
    assert difference.abs().max() < 0.02


def test_integration_is_differentiable() -> None:
    velocity = torch.randn(1, 3, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: integrate(v, 2.0, 3), velocity)
