"""Mutual information against closed forms and against numpy's histograms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from spine_ctmr.similarity.mutual_information import (
    joint_probability,
    mutual_information,
    normalised_mutual_information,
)


def image(seed: int, side: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 1, side, side, side, generator=generator, dtype=torch.float64)


def test_windows_are_gaussians_of_half_a_bin() -> None:
    value = 0.37
    place = value * 4
    expected = np.exp(-((np.arange(5) - place) ** 2) / (2 * 0.5**2))
    only = torch.full((1, 1, 1, 1, 1), value, dtype=torch.float64)
    found = joint_probability(only, only, bins=5)[0]
    np.testing.assert_allclose(found, np.outer(expected, expected) / expected.sum() ** 2)


def test_far_bins_give_the_plain_histogram() -> None:
    """Intensities on bins 4 apart: the windows do not overlap, so the discrete formula holds."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, 5000)
    b = np.where(rng.uniform(size=5000) < 0.7, 2 - a, rng.integers(0, 3, 5000))
    joint = np.histogram2d(a, b, 3)[0] / 5000
    outer = np.outer(joint.sum(1), joint.sum(0))
    expected = (joint * np.log(joint / outer)).sum()
    entropy = -sum((p * np.log(p)).sum() for p in (joint.sum(0), joint.sum(1)))
    first, second = (torch.tensor(v / 2.0).reshape(1, 1, 50, 10, 10) for v in (a, b))
    # every intensity also spreads over its neighbouring bins, alike for all: the same entropy is added
    # to H(A) and H(B), and twice to H(A, B), so that mutual information keeps its value
    assert mutual_information(first, second, bins=17).item() == pytest.approx(expected, rel=1e-6)
    kernel = np.exp(-(np.arange(-8, 9) ** 2) / 0.5)
    kernel /= kernel.sum()
    spread = -(kernel * np.log(kernel)).sum()
    both = -(joint * np.log(joint)).sum() + 2 * spread
    edges = normalised_mutual_information(first, second, bins=17).item()
    assert edges == pytest.approx((entropy + 2 * spread) / both, rel=0.1)


def test_normalised_is_two_for_equal_information_and_one_for_none() -> None:
    steps = torch.arange(8, dtype=torch.float64).repeat(64).reshape(1, 1, 8, 8, 8) / 7
    relabelled = ((steps * 7 * 3 + 2) % 8) / 7
    same = normalised_mutual_information(steps, relabelled, bins=57)
    independent = normalised_mutual_information(steps, steps.transpose(2, 4).contiguous(), bins=57)
    assert independent.item() == pytest.approx(1, abs=1e-9)
    assert 1.6 < same.item() <= 2  # the windows themselves are independent noise
    constant = torch.zeros_like(steps)
    assert normalised_mutual_information(constant, constant).item() == pytest.approx(1, abs=0.5)


def test_it_is_largest_at_the_right_place() -> None:
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(np.random.default_rng(3).uniform(size=(24, 24, 24)), 2)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    other = 1 - smooth**2
    for measure in (mutual_information, normalised_mutual_information):
        values = [
            measure(torch.tensor(smooth)[None, None], torch.tensor(np.roll(other, shift, 0))[None, None])
            for shift in (-2, -1, 0, 1, 2)
        ]
        assert int(np.argmax(values)) == 2


def test_voxels_without_weight_do_not_count() -> None:
    a, b = image(0), image(1)
    weight = torch.zeros_like(a)
    weight[..., :8] = 1
    changed = b.clone()
    changed[..., 8:] = 0.3
    assert mutual_information(a, b, weight) == mutual_information(a, changed, weight)
    half = mutual_information(a[..., :8], b[..., :8])
    torch.testing.assert_close(mutual_information(a, b, weight), half)


def test_samples_of_a_batch_are_averaged() -> None:
    a, b = image(0), image(1)
    pair = mutual_information(torch.cat([a, a]), torch.cat([a, b]))
    assert pair.item() == pytest.approx((mutual_information(a, a) + mutual_information(a, b)).item() / 2)


def test_independent_noise_has_little_and_never_negative_information() -> None:
    value = mutual_information(image(0, 32), image(1, 32)).item()
    assert 0 <= value < 0.02
    assert math.isfinite(value)


@pytest.mark.parametrize("measure", [mutual_information, normalised_mutual_information])
def test_gradient(measure) -> None:  # type: ignore[no-untyped-def]
    a, b = image(0, 3), image(1, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: measure(a, x, bins=6), b)
