from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, uniform_filter
from spine_ctmr.network.matching_unet import (
    CHANNELS,
    OFFSETS,
    MatchingUNet,
    MatchingUNetOptions,
    costs_of,
    matches_of,
)
from spine_ctmr.network.network_file import read_card, read_weights
from spine_ctmr.network.runtime import load_network
from spine_ctmr.network.torch_network import TorchNetwork
from spine_ctmr.research.training.checkpoint import save_atomically
from spine_ctmr.research.training.export import export
from spine_ctmr.research.training.recipe import Recipe
from spine_ctmr.similarity.mind import box_mean


def test_costs_are_differences_with_the_moving_image_at_each_offset() -> None:
    fixed, moving = torch.rand(2, 1, 5, 8, 9, 10).unbind(0)
    costs = costs_of(fixed, moving)
    for k, offset in enumerate(OFFSETS):
        z, y, x = np.clip(np.array([4, 5, 3]) + offset, 0, np.array([8, 9, 10]) - 1)
        difference = fixed[0, :, 4, 5, 3] - moving[0, :, z, y, x]
        assert float(costs[0, k, 4, 5, 3]) == pytest.approx(float(difference.square().mean()), rel=1e-5)


@pytest.mark.parametrize("side", [1, 3, 5])
def test_box_mean_is_a_box_filter(side: int) -> None:
    values = np.random.default_rng(0).random((7, 9, 11))
    expected = uniform_filter(values, side, mode="nearest")
    np.testing.assert_allclose(box_mean(torch.tensor(values)[None, None], side)[0, 0], expected, rtol=1e-10)


def test_a_single_cheap_offset_is_the_match() -> None:
    costs = torch.ones(1, len(OFFSETS), 6, 6, 6)
    costs[:, OFFSETS.index((1, -2, 0))] = 0
    matches, clarity = matches_of(costs)
    for match, clear in zip(matches, clarity, strict=True):
        torch.testing.assert_close(match[0, :, 3, 3, 3], torch.tensor([0.0, -2.0, 1.0]))
        assert clear.min() > 0.99


def test_untrained_network_finds_a_shift_across_contrasts() -> None:
    """Tissue moved by (x, y, z) = (4, -4, 8) mm, whose dark is the other image's bright."""
    noise = np.random.default_rng(1).standard_normal((96, 96, 96))
    tissue = gaussian_filter(noise, 2.0)
    tissue = (tissue - tissue.min()) / np.ptp(tissue)
    fixed = tissue[16:80, 16:80, 16:80]
    moving = (1 - tissue[12:76, 18:82, 14:78]) ** 1.5
    images = torch.tensor(np.stack([fixed, moving]), dtype=torch.float32)[None]
    velocity = MatchingUNet(MatchingUNetOptions())(images).detach()
    assert velocity.shape == (1, 3, 32, 32, 32)
    inner = velocity[0, :, 10:22, 10:22, 10:22].flatten(1)
    assert float((inner - torch.tensor([4.0, -4.0, 8.0])[:, None]).norm(dim=0).max()) < 1.0


def test_gradients_reach_every_weight() -> None:
    model = MatchingUNet()
    torch.nn.init.normal_(model.flow.weight, std=0.02)
    model(torch.rand(1, 2, 16, 32, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_both_runtimes_give_the_checkpoints_velocity(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = MatchingUNet().eval()
    torch.nn.init.normal_(model.flow.weight, std=0.05)
    torch.nn.init.normal_(model.blend.weight, std=0.3)
    recipe = Recipe("matching", network=MatchingUNetOptions())
    best = {"weights": model.state_dict(), "step": 1, "errors": {}, "data": "Nothing"}
    save_atomically({**best, "recipe": json.dumps(recipe.to_dict())}, tmp_path / "best.pt")
    path = export(tmp_path, tmp_path / "network")
    card = read_card(path)
    images = np.random.default_rng(2).random((2, 32, 16, 48), np.float32)
    with torch.inference_mode():
        expected = model(torch.from_numpy(images)[None])[0].numpy()
    assert np.abs(expected).max() > 1.0
    for network in (
        load_network(path, "cpu"),
        TorchNetwork(card, read_weights(card, path.parent, "safetensors")),
    ):
        np.testing.assert_allclose(network.velocity(images), expected, atol=1e-4)


def test_channels_prepared() -> None:
    features = MatchingUNetOptions().prepare(torch.rand(2, 2, 16, 16, 32))
    assert features.shape == (2, CHANNELS, 8, 8, 16)
