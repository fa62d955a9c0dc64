"""MIND-SSC and the sampler, against slow independent implementations."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates, uniform_filter
from spine_ctmr.geometry.sampling import value_and_gradient
from spine_ctmr.similarity import descriptors


def _volume(seed: int = 0, shape: tuple[int, int, int] = (11, 12, 13)) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.tensor(uniform_filter(rng.normal(size=shape), 2) * 100, dtype=torch.float32)


def _plain_mind(volume: np.ndarray) -> np.ndarray:
    """Sorted MIND-SSC (z, y, x, 12) of the inner voxels, written down from Heinrich et al. 2013."""
    steps = [np.array(s) for s in ((0, 0, 1), (0, 0, -1), (0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0))]
    pairs = [(a, b) for a, b in combinations(steps, 2) if (a + b).any()]
    inner = [range(3, n - 3) for n in volume.shape]
    result = np.zeros((*[len(r) for r in inner], 12))
    for i, z in enumerate(inner[0]):
        for j, y in enumerate(inner[1]):
            for k, x in enumerate(inner[2]):

                def patch(step: np.ndarray, at: tuple[int, int, int] = (z, y, x)) -> np.ndarray:
                    c = np.array(at) + step
                    return volume[c[0] - 1 : c[0] + 2, c[1] - 1 : c[1] + 2, c[2] - 1 : c[2] + 2]

                distances = np.array([np.square(patch(a) - patch(b)).mean() for a, b in pairs])
                distances -= distances.min()
                result[i, j, k] = np.exp(-distances / distances.mean())
    return np.sort(result, -1)


def test_dense_descriptors_equal_the_published_definition() -> None:
    volume = _volume()
    found = np.sort(descriptors.dense(volume)[3:-3, 3:-3, 3:-3].numpy(), -1)
    np.testing.assert_allclose(found, _plain_mind(volume.double().numpy()), atol=1e-4)


def test_sparse_descriptors_at_nodes_equal_the_dense_ones() -> None:
    volume = _volume(1)
    dense = descriptors.dense(volume)[3:-3, 3:-3, 3:-3]
    z, y, x = np.meshgrid(*[np.arange(3, n - 3) for n in volume.shape], indexing="ij")
    offsets = descriptors.STENCIL.numpy()
    samples = volume.numpy()[
        z[..., None] + offsets[:, 2], y[..., None] + offsets[:, 1], x[..., None] + offsets[:, 0]
    ]
    sparse = descriptors.sparse(torch.tensor(samples), descriptors.noise_floor(volume))
    torch.testing.assert_close(sparse, dense, atol=1e-4, rtol=0)


@given(st.floats(0.01, 100), st.floats(-500, 500), st.booleans())
@settings(max_examples=15, deadline=None)
def test_brightness_and_contrast_change_nothing(scale: float, offset: float, inverted: bool) -> None:
    volume = _volume(2)
    changed = volume * (-scale if inverted else scale) + offset * scale
    torch.testing.assert_close(descriptors.dense(changed), descriptors.dense(volume), atol=5e-3, rtol=0)


def test_descriptors_lie_between_0_and_1_and_their_largest_is_1() -> None:
    found = descriptors.dense(_volume(3))
    assert float(found.min()) >= 0
    torch.testing.assert_close(found.amax(-1), torch.ones(found.shape[:3]))


def test_nothing_to_describe_in_a_constant_volume() -> None:
    torch.testing.assert_close(descriptors.dense(torch.full((6, 7, 8), 5.0)), torch.ones((6, 7, 8, 12)))


def test_values_between_nodes_agree_with_scipy() -> None:
    volume = torch.randn((6, 7, 8, 5), generator=torch.Generator().manual_seed(0))
    index = torch.rand((60, 3), generator=torch.Generator().manual_seed(1)) * torch.tensor([7.0, 6.0, 5.0])
    value, _ = value_and_gradient(volume, index)
    for c in range(5):
        expected = map_coordinates(volume[..., c].numpy(), index.flip(-1).T.numpy(), order=1)
        np.testing.assert_allclose(value[:, c], expected, atol=2e-3)


def test_gradients_agree_with_finite_differences() -> None:
    generator = torch.Generator().manual_seed(2)
    volume = torch.randn((6, 7, 8, 3), generator=generator).double()
    base = torch.randint(0, 4, (50, 3), generator=generator) + 0.1
    index = base + 0.8 * torch.rand((50, 3), generator=generator)
    _, slopes = value_and_gradient(volume, index.double())
    for axis, slope in enumerate(slopes):
        step = torch.zeros(3, dtype=torch.float64)
        step[axis] = 1e-4
        high, low = (value_and_gradient(volume, index + s * step)[0] for s in (1, -1))
        torch.testing.assert_close(slope, (high - low) / 2e-4, atol=1e-6, rtol=0)


def test_points_outside_take_the_value_at_the_border() -> None:
    volume = torch.randn((5, 5, 5, 2), generator=torch.Generator().manual_seed(3))
    value, _ = value_and_gradient(volume, torch.tensor([[-7.0, 2, 2], [2, 90.0, 2]]))
    torch.testing.assert_close(value[0], volume[2, 2, 0])
    torch.testing.assert_close(value[1], volume[2, 4, 2], atol=0.01, rtol=0)
