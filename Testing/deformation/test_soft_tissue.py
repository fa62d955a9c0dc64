"""Motion of soft tissue found on images whose true motion is known in closed form."""

from __future__ import annotations

import pytest
import torch
from spine_ctmr.deformation.soft_tissue import SoftTissueOptions, soft_motion

SHAPE, SPACING = (26, 30, 28), 2.0
OPTIONS = SoftTissueOptions()
SUPPLE = SoftTissueOptions(steps=15, cell_mm=6.0, stiffness=0.02)
"""Trusts images without noise."""


def _points() -> torch.Tensor:
    z, y, x = torch.meshgrid(*[torch.arange(n) * SPACING for n in SHAPE], indexing="ij")
    return torch.stack([x, y, z], -1)


def _tissue(points: torch.Tensor) -> torch.Tensor:
    """Smooth blobs, 4 to 9 mm wide."""
    generator = torch.Generator().manual_seed(4)
    vectors = torch.randn((40, 3), generator=generator)
    lengths = 8 + 10 * torch.rand((40, 1), generator=generator)
    vectors = vectors / vectors.norm(dim=1, keepdim=True) * (2 * torch.pi / lengths)
    return torch.cos(points @ vectors.T + 6.3 * torch.rand(40, generator=generator)).sum(-1)


def _window(width_mm: float = 10.0) -> torch.Tensor:
    """1 inside, 0 on the border."""
    parts = [
        (torch.minimum(torch.arange(n), n - 1 - torch.arange(n)) * SPACING / width_mm).clamp(0, 1)
        for n in SHAPE
    ]
    return parts[0][:, None, None] * parts[1][None, :, None] * parts[2]


def _true_motion(points: torch.Tensor) -> torch.Tensor:
    """Up to 3 mm, different in every direction."""
    middle = torch.tensor([n * SPACING / 2 for n in reversed(SHAPE)])
    bump = torch.exp(-(points - middle).square().sum(-1, keepdim=True) / (2 * 11.0**2))
    return bump * torch.tensor([2.2, -1.6, 1.2])


def _followed(options: SoftTissueOptions) -> torch.Tensor:
    """What is found where the MR shows at p what the CT shows at p + motion(p), in opposite contrast."""
    points = _points()
    mr = 5 - 2 * _tissue(points + _true_motion(points))
    return soft_motion(mr, _tissue(points), _window(), torch.ones(SHAPE), SPACING, options)


def test_known_motion_is_recovered() -> None:
    true = _true_motion(_points())
    moving = true.norm(dim=-1) > 1.5
    error = (_followed(SUPPLE) - true).norm(dim=-1)[moving]
    assert float(error.mean()) < 0.2 * float(true.norm(dim=-1)[moving].mean())


def test_default_options_follow_the_motion_without_overshooting() -> None:
    true, found = _true_motion(_points()), _followed(OPTIONS)
    assert float((found * true).sum() / (found.norm() * true.norm())) > 0.9
    assert 0.3 < float((found * true).sum() / true.square().sum()) < 1.05


def test_equal_images_do_not_move() -> None:
    image = _tissue(_points())
    found = soft_motion(image, 3 * image + 7, torch.ones(SHAPE), torch.ones(SHAPE), SPACING, OPTIONS)
    assert float(found.abs().max()) < 0.05


def test_nothing_moves_where_it_is_not_free() -> None:
    points = _points()
    free = (points[..., 0] > 26).float()
    mr = _tissue(points + _true_motion(points))
    found = soft_motion(mr, _tissue(points), free, torch.ones(SHAPE), SPACING, OPTIONS)
    assert not found[free == 0].any()
    assert found[free == 1].any()


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_images_without_evidence_leave_nothing(value: float) -> None:
    flat = torch.full(SHAPE, value)
    assert not soft_motion(flat, flat, torch.ones(SHAPE), torch.ones(SHAPE), SPACING, OPTIONS).any()


def test_no_free_tissue_at_all_is_no_motion() -> None:
    image = _tissue(_points())
    assert not soft_motion(
        image, image.flip(0), torch.zeros(SHAPE), torch.ones(SHAPE), SPACING, OPTIONS
    ).any()


def test_noise_does_not_drag_the_tissue_towards_the_middle_of_the_voxels() -> None:
    generator = torch.Generator().manual_seed(1)
    mr, ct = (_tissue(_points()) + 3 * torch.randn(SHAPE, generator=generator) for _ in range(2))
    found = soft_motion(mr, ct, torch.ones(SHAPE), torch.ones(SHAPE), SPACING, OPTIONS)
    assert float(found.mean((0, 1, 2)).abs().max()) < 0.1


def test_motion_is_carried_on_where_the_images_end() -> None:
    """Without evidence the tissue follows what moves beside it, and does not stop at the end of an image."""
    points, middle = _points(), SHAPE[2] // 2
    motion = _true_motion(points)
    seen = torch.ones(SHAPE)
    seen[..., middle + 2 :] = 0
    mr = 5 - 2 * _tissue(points + motion)
    found = soft_motion(mr * seen, _tissue(points), _window(), seen, SPACING, SUPPLE)
    beside, beyond = found[10:16, 12:18, middle], found[10:16, 12:18, middle + 4]
    assert float(beyond.norm(dim=-1).mean()) > 0.5 * float(beside.norm(dim=-1).mean())
    assert float((beyond * motion[10:16, 12:18, middle + 4]).sum()) > 0
