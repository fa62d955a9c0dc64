"""The slow change of brightness is taken out of an image, and the image stays."""

from __future__ import annotations

import numpy as np
import pytest
from spine_ctmr.similarity.bias import without_bias

SHAPE, SPACING = (40, 44, 36), 2.0


def tissue() -> np.ndarray:
    """Two kinds of tissue in lumps of a few mm."""
    noise = np.random.default_rng(5).normal(size=SHAPE)
    for axis in range(3):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)
    return np.where(noise > 0, 300.0, 120.0)


def gain(strength: float) -> np.ndarray:
    """A coil behind the body: brightness falls along y."""
    y = np.linspace(-1, 1, SHAPE[1])[None, :, None]
    return np.exp(strength * y) * np.ones(SHAPE)


def hounsfield() -> np.ndarray:
    """Fat where the MR is bright, muscle elsewhere."""
    return np.where(tissue() > 200, -100.0, 50.0)


def spread(image: np.ndarray) -> float:
    """By how much, as a standard deviation of the logarithm, the fat differs in brightness."""
    return float(np.std(np.log(image[tissue() > 200])))


@pytest.mark.parametrize("strength", [-0.8, 0.4, 0.8])
def test_the_same_tissue_looks_alike_again(strength: float) -> None:
    bright = tissue() * gain(strength)
    flat = without_bias(bright, hounsfield(), np.ones(SHAPE, bool), SPACING)
    assert spread(flat) < 0.3 * spread(bright)
    assert flat[tissue() > 200].mean() == pytest.approx(2.5 * flat[tissue() < 200].mean(), rel=0.05)


def test_a_fat_half_is_no_bias() -> None:
    """Anatomy that is bright on one side, as a back is, stays as it is."""
    fat = np.zeros(SHAPE, bool)
    fat[:, SHAPE[1] // 2 :] = True
    image, ct = np.where(fat, 300.0, 120.0), np.where(fat, -100.0, 50.0)
    np.testing.assert_allclose(without_bias(image, ct, np.ones(SHAPE, bool), SPACING), image, rtol=1e-4)


def test_brightness_as_a_whole_does_not_matter() -> None:
    seen, image = np.ones(SHAPE, bool), tissue() * gain(0.5)
    flat, brighter = (without_bias(factor * image, hounsfield(), seen, SPACING) for factor in (1, 7))
    np.testing.assert_allclose(brighter, 7 * flat, rtol=1e-4)


@pytest.mark.parametrize("hu", [-1000.0, 1000.0])
def test_without_soft_tissue_the_image_stays(hu: float) -> None:
    image = tissue() * gain(0.8)
    flat = without_bias(image, np.full(SHAPE, hu), np.ones(SHAPE, bool), SPACING)
    np.testing.assert_array_equal(flat, image.astype(np.float32))


def test_what_is_not_seen_and_values_below_zero_do_no_harm() -> None:
    image = tissue() - 150.0
    for seen in (np.ones(SHAPE, bool), np.zeros(SHAPE, bool)):
        assert np.isfinite(without_bias(image, hounsfield(), seen, SPACING)).all()
