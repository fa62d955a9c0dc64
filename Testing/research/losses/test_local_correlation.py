"""Local correlation against its definition, voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from spine_ctmr.research.losses.local_correlation import local_correlation

torch.set_num_threads(1)


def noise(seed: int, side: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 1, side, side, side, generator=generator, dtype=torch.float64)


def test_is_the_mean_of_squared_correlations() -> None:
    """Equation 5 with cubes that end at the border."""
    first, second = noise(0), noise(1)
    a, b = first[0, 0].numpy(), second[0, 0].numpy()
    expected = []
    for place in np.ndindex(a.shape):
        cube = tuple(slice(max(i - 1, 0), i + 2) for i in place)
        expected.append(np.corrcoef(a[cube].ravel(), b[cube].ravel())[0, 1] ** 2)
    found = local_correlation(first, second, window=3)
    assert found.item() == pytest.approx(np.mean(expected), abs=1e-5)


def test_one_for_linear_relations_and_zero_for_flat_images() -> None:
    image = noise(0)
    assert local_correlation(image, 0.3 - 0.2 * image, window=3).item() == pytest.approx(1, abs=1e-4)
    assert local_correlation(image, torch.full_like(image, 0.4), window=3).item() == 0
    single = noise(0, 12).float()
    assert local_correlation(single, 0.5 * single + 0.5).item() == pytest.approx(1, abs=1e-4)


def test_weight_chooses_the_voxels() -> None:
    first = noise(0)
    second = torch.cat([first[:, :, :4], noise(1)[:, :, 4:]], 2)
    weight = torch.zeros_like(first)
    weight[:, :, :3] = 1
    assert local_correlation(first, second, weight, window=3).item() == pytest.approx(1, abs=1e-4)
    assert local_correlation(first, second, window=3).item() < 0.9


def test_gradient() -> None:
    first, second = noise(0, 4), noise(1, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: local_correlation(first, x, window=3), second)
