"""The U-Net of van Ulsen 2022: its size, its layers, its additive skips and where its training begins."""

from __future__ import annotations

import pytest
import torch
from spine_ctmr.network.normalised import normalised_pair
from spine_ctmr.network.vanulsen import VanUlsenNetwork, VanUlsenOptions
from torch import nn

torch.set_num_threads(1)


def weights(layer: nn.Module) -> int:
    return sum(p.numel() for p in layer.parameters())


def test_parameters_are_those_of_the_described_layers() -> None:
    def block(inputs: int, outputs: int) -> int:
        biases_and_norms = 2 * (outputs + 2 * outputs)
        return 27 * (inputs + outputs) * outputs + biases_and_norms

    model = VanUlsenNetwork()
    down = [block(a, b) for a, b in ((2, 4), (4, 8), (8, 16), (16, 32))]
    up = [8 * a * b + b + block(b, b) for a, b in ((32, 16), (16, 8), (8, 4))]
    assert [weights(b) for b in model.encoder] == down
    assert weights(model) == sum(down) + sum(up) + 27 * 4 * 3 + 3 == 79_483


def test_displacement_has_the_size_of_the_images_and_starts_near_zero() -> None:
    displacement = VanUlsenNetwork()(torch.rand(1, 2, 8, 16, 24))
    assert displacement.shape == (1, 3, 8, 16, 24)
    assert 0 < displacement.abs().max() < 1e-2


def test_every_weight_has_a_gradient() -> None:
    torch.manual_seed(0)
    model = VanUlsenNetwork()
    nn.init.normal_(model.flow.weight)
    model(torch.rand(2, 2, 16, 16, 16)).square().sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


def test_skips_add_the_features_of_the_same_resolution() -> None:
    """Without the way up, the finest features alone reach the last block."""
    torch.manual_seed(0)
    model = VanUlsenNetwork().eval()
    nn.init.normal_(model.flow.weight)
    for parameter in model.doubling[-1].parameters():
        nn.init.zeros_(parameter)
    images = torch.rand(1, 2, 8, 8, 8)
    expected = model.flow(model.decoder[-1](model.encoder[0](images)))
    torch.testing.assert_close(model(images), expected)


def test_pair_of_convolutions_equals_the_formula() -> None:
    torch.manual_seed(0)
    pair = normalised_pair(2, 3, padding=0, epsilon=1e-3)
    x = expected = torch.rand(2, 2, 7, 8, 9)
    for k in (0, 3):
        y = nn.functional.conv3d(expected, pair[k].weight, pair[k].bias)
        mean = y.mean((0, 2, 3, 4), keepdim=True)
        variance = y.var((0, 2, 3, 4), unbiased=False, keepdim=True)
        expected = ((y - mean) / (variance + 1e-3).sqrt()).clamp(min=0)
    torch.testing.assert_close(pair(x), expected)
    assert expected.shape == (2, 3, 3, 4, 5)


@pytest.mark.parametrize(("side", "taken"), [(8, True), (96, True), (0, False), (12, False)])
def test_sides_that_survive_three_poolings_are_taken(side: int, taken: bool) -> None:
    assert VanUlsenOptions().takes(side) is taken
