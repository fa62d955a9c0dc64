"""The mutual information's terms against a histogram of numpy and the properties they must have."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from spine_ctmr.similarity import sampled_information as mutual_information
from spine_ctmr.similarity.sampled_information import BINS, QUANTILES, information_terms

COUNT = 20_000


def anatomy(points: torch.Tensor) -> torch.Tensor:
    """A smooth pattern (..., p) of places (..., p, 3) in mm."""
    x, y, z = (points / 4).unbind(-1)
    return torch.sin(x + 0.3 * y) + torch.cos(y - 0.5 * z) + 0.7 * torch.sin(z + 0.2 * x * y / 6)


def contrast(value: torch.Tensor) -> torch.Tensor:
    """An MR intensity for each CT intensity, neither linear nor monotone."""
    return 100 * torch.exp(-((value - 0.4) ** 2)) + 20 * value


def terms(
    step: torch.Tensor, scale: float = 1.0, offset: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Fisher matrix (6, 6), gradient (6,), MR and CT samples for an MR moved by a shift `step` in mm."""
    points = torch.rand((1, COUNT, 3), generator=torch.Generator().manual_seed(0)) * 30
    place = (points + step).requires_grad_()
    noise = 3 * torch.randn((1, COUNT), generator=torch.Generator().manual_seed(1))
    mr = scale * (contrast(anatomy(place)) + noise) + offset
    (slopes,) = torch.autograd.grad(mr.sum(), place)
    ct = anatomy(points)
    arm = points - 15
    lever = torch.zeros((*points.shape, 6))
    lever[..., 3:] = torch.eye(3)
    for axis in range(3):
        lever[..., axis] = torch.linalg.cross(torch.eye(3)[axis].expand_as(arm), arm)
    fisher, gradient = information_terms(mr.detach(), slopes, ct, lever, torch.ones(1, COUNT))
    return fisher[0], gradient[0], mr.detach()[0], ct[0]


def information_in_nats(mr: torch.Tensor, ct: torch.Tensor) -> float:
    """In nats, from numpy's histogram under scipy's Gaussian window of one bin."""
    edges = []
    for values in (mr.double().numpy(), ct.double().numpy()):
        low, high = np.quantile(values, QUANTILES)
        width = (high - low) / (BINS - 3)
        edges.append(low + width * (np.arange(BINS + 1) - 1.5))
    clipped = [
        np.clip(v.double().numpy(), e[0] + 1e-6, e[-1] - 1e-6) for v, e in zip((mr, ct), edges, strict=True)
    ]
    joint = gaussian_filter(np.histogram2d(*clipped, bins=edges)[0], 1.0, mode="constant")
    joint /= joint.sum()
    outer = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    held = joint > 0
    return float((joint[held] * np.log(joint[held] / outer[held])).sum())


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gradient_is_the_slope_of_minus_the_mutual_information(axis: int) -> None:
    place = torch.tensor([0.8, -0.6, 0.7])
    step = 0.15 * torch.eye(3)[axis]
    _, gradient, _, _ = terms(place)
    ahead, behind = (information_in_nats(*terms(place + s)[2:]) for s in (step, -step))
    assert gradient[3 + axis] == pytest.approx(-(ahead - behind) / 0.3, rel=0.15, abs=0.02)


def test_one_step_brings_a_shifted_mr_nearly_back() -> None:
    shift = torch.tensor([0.5, -0.3, 0.4])
    fisher, gradient, _, _ = terms(shift)
    step = -torch.linalg.solve(fisher, gradient)
    assert float((step[3:] + shift).norm()) < 0.25 * float(shift.norm())


def test_no_step_leads_away_from_where_the_images_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bins of finite width pull a little, because the MR changes within a bin of the CT; fine ones do not."""
    wrong_mm = []
    for bins in (32, 128):
        monkeypatch.setattr(mutual_information, "BINS", bins)
        fisher, gradient, _, _ = terms(torch.zeros(3))
        turn, shift = torch.linalg.solve(fisher, gradient).split(3)
        wrong_mm.append(float(shift.norm()) + 15 * float(turn.norm()))
    assert wrong_mm[1] < 0.03
    assert wrong_mm[1] < 0.2 * wrong_mm[0]


@pytest.mark.parametrize(("scale", "offset"), [(7.5, -300.0), (-0.2, 50.0)])
def test_neither_gain_nor_offset_nor_inversion_of_the_contrast_matters(scale: float, offset: float) -> None:
    shift = torch.tensor([0.5, -0.3, 0.4])
    expected, got = terms(shift), terms(shift, scale, offset)
    torch.testing.assert_close(got[1], expected[1], rtol=2e-2, atol=2e-3 * float(expected[1].norm()))
    torch.testing.assert_close(got[0], expected[0], rtol=5e-2, atol=2e-2 * float(expected[0].norm()))


def test_a_vertebra_outside_the_mr_pulls_nowhere() -> None:
    zeros = torch.zeros(1, 50)
    fisher, gradient = information_terms(
        zeros, torch.zeros(1, 50, 3), torch.rand(1, 50), torch.rand(1, 50, 3, 6), zeros
    )
    assert not fisher.any()
    assert not gradient.any()
