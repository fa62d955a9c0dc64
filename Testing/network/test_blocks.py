"""Padding and blocks change nothing that matters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from spine_ctmr.network.blocks import (
    BlockOptions,
    blend_weights,
    block_spans,
    predict_velocity,
)
from spine_ctmr.network.network_file import NetworkCard
from spine_ctmr.network.runtime import load_network


class BlockMeans:
    """A network with known output: means over 2x2x2 voxels of (MR, CT, MR - CT)."""

    card = NetworkCard("means", 2.0, 1.0, "0", "0")
    device = "cpu"

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def velocity(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self.sizes.append(images.shape)
        z, y, x = (n // 2 for n in images.shape[1:])
        means = images.reshape(2, z, 2, y, 2, x, 2).mean((2, 4, 6))
        return np.stack([means[0], means[1], means[0] - means[1]])


def smooth_images(shape: tuple[int, int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(2)
    images = [gaussian_filter(rng.random(shape), 1.5).astype(np.float32) for _ in range(2)]
    fixed, moving = ((image - image.min()) / np.ptp(image) for image in images)
    return fixed, moving


@pytest.mark.parametrize("depth", [112, 128, 208, 400, 1008])
@pytest.mark.parametrize("options", [BlockOptions(16 * 16 * 112), BlockOptions(16 * 16 * 160, 64, 16)])
def test_blocks_cover_everything_and_weights_sum_to_one(depth: int, options: BlockOptions) -> None:
    spans = block_spans(depth, 256, options)
    assert spans[0][0] == 0
    assert spans[-1][1] == depth
    assert all(start % 16 == 0 and stop % 16 == 0 for start, stop in spans)
    assert all((b - a) * 256 <= options.voxels for a, b in spans)
    weights = blend_weights(spans, depth, options)
    np.testing.assert_allclose(np.sum(weights, 0), 1, atol=1e-6)
    for (start, stop), weight in zip(spans, weights, strict=True):
        assert not weight[: start // 2].any()
        assert not weight[stop // 2 :].any()
        assert np.abs(np.diff(weight)).max() < 0.12


def test_odd_sizes_keep_their_place() -> None:
    fixed, moving = smooth_images((21, 30, 17))
    velocity = predict_velocity(BlockMeans(), fixed, moving)
    assert velocity.shape == (11, 15, 9, 3)
    np.testing.assert_allclose(velocity[3, 4, 5, 0], fixed[6:8, 8:10, 10:12].mean(), atol=1e-6)
    np.testing.assert_allclose(velocity[3, 4, 5, 2], (fixed - moving)[6:8, 8:10, 10:12].mean(), atol=1e-6)


def test_blocks_bound_the_size_and_give_the_same_local_result() -> None:
    fixed, moving = smooth_images((500, 16, 16))
    network = BlockMeans()
    blocks = predict_velocity(network, fixed, moving, BlockOptions(voxels=128 * 256))
    assert max(size[1] for size in network.sizes) == 128
    np.testing.assert_allclose(blocks, predict_velocity(BlockMeans(), fixed, moving), atol=1e-6)


@pytest.mark.slow
def test_block_layout_is_not_visible(network_folder: Path) -> None:
    fixed, moving = smooth_images((320, 32, 32))
    network = load_network(network_folder, "cpu")
    whole = predict_velocity(network, fixed, moving)
    assert np.ptp(whole) > 1
    for length in (160, 208):
        blocks = predict_velocity(network, fixed, moving, BlockOptions(voxels=length * 32 * 32))
        assert np.abs(blocks - whole).max() < 0.01 * np.ptp(whole)
