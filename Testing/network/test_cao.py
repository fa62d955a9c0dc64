"""The patch network of Cao et al. 2018: sizes, layers, and that patches fit together."""

from __future__ import annotations

import pytest
import torch
from spine_ctmr.network.cao import MARGIN, CaoNetwork, CaoOptions
from torch import nn

torch.set_num_threads(1)
SMALL = CaoOptions(filters=(2, 3, 4))


def small_network() -> CaoNetwork:
    torch.manual_seed(0)
    model = CaoNetwork(SMALL).eval()
    nn.init.normal_(model.flow.weight)
    return model


def test_parameters_are_those_of_the_described_layers() -> None:
    def pair(inputs: int, outputs: int) -> int:
        biases_and_norms = 2 * (outputs + 2 * outputs)
        return 27 * (inputs + outputs) * outputs + biases_and_norms

    down = sum(pair(a, b) for a, b in ((2, 32), (32, 64), (64, 128)))
    up = sum(8 * a * b + b + pair(2 * b, b) for a, b in ((128, 64), (64, 32)))
    assert sum(p.numel() for p in CaoNetwork().parameters()) == down + up + 32 * 3 + 3 == 1_357_571


def test_patch_of_68_gives_28_with_the_same_centre() -> None:
    model = small_network()
    images = torch.rand(1, 2, 68, 68, 68)
    with torch.inference_mode():
        output = model(images)
    assert output.shape == (1, 3, 28, 28, 28)
    motion = model.motion(output, 1.0)
    assert motion.margin == model.margin == MARGIN == (68 - 28) / 2
    assert CaoNetwork(SMALL)(images).abs().max() < 1e-2


def test_output_of_a_voxel_depends_on_what_surrounds_it() -> None:
    """The gradient of the output's middle is about the input's middle: `margin` is the same on both sides."""
    images = torch.rand(1, 2, 68, 68, 68, requires_grad=True)
    small_network()(images)[0, :, 12:16, 12:16, 12:16].abs().sum().backward()
    seen = images.grad[0].abs().amax((0, 2, 3)).nonzero()
    assert int(seen.min() + seen.max()) == 67


def test_patches_fit_together() -> None:
    model = small_network()
    images = torch.rand(1, 2, 44, 44, 52)
    with torch.inference_mode():
        whole = model(images)
        pieces = [model(images[..., start : start + 44]) for start in (0, 4, 8)]
    torch.testing.assert_close(torch.cat(pieces, -1), whole)


def test_every_weight_has_a_gradient() -> None:
    model = small_network().train()
    model(torch.rand(2, 2, 44, 44, 44)).square().sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


@pytest.mark.parametrize("side", [44, 48, 68])
def test_sides_taken_can_be_run(side: int) -> None:
    assert SMALL.takes(side)
    with torch.inference_mode():
        assert small_network()(torch.rand(1, 2, side, 44, 44)).shape[2] == side - 2 * MARGIN


@pytest.mark.parametrize("side", [0, 16, 40, 46, 69])
def test_other_sides_are_not_taken(side: int) -> None:
    assert not SMALL.takes(side)
