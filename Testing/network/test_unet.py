from __future__ import annotations

import torch
from spine_ctmr.network.unet import VelocityUNet, VelocityUNetOptions


def test_parameter_count_of_the_published_network() -> None:
    assert sum(p.numel() for p in VelocityUNet().parameters()) == 1_000_163


def test_output_is_half_resolution_and_starts_near_zero() -> None:
    images = torch.rand(2, 2, 16, 32, 48)
    velocity = VelocityUNet()(images)
    assert velocity.shape == (2, 3, 8, 16, 24)
    assert 0 < velocity.abs().max() < 1e-2


def test_scale_is_a_constant_factor() -> None:
    small, large = (VelocityUNet(VelocityUNetOptions(velocity_scale_mm=s)) for s in (1.0, 10.0))
    large.load_state_dict(small.state_dict())
    images = torch.rand(1, 2, 16, 16, 16)
    torch.testing.assert_close(10 * small(images), large(images))


def test_bfloat16_autocast_keeps_a_float32_velocity() -> None:
    model = VelocityUNet()
    images = torch.rand(1, 2, 16, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        low = model(images)
    assert low.dtype == torch.float32
    assert not torch.equal(low, low.bfloat16().float())
