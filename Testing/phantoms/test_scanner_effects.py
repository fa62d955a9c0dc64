"""Scanner effects keep shapes, ranges and what they must not touch."""

from __future__ import annotations

import numpy as np
import pytest
from spine_ctmr.phantoms import augmentation
from spine_ctmr.phantoms.tissue import (
    INDEX,
    SEQUENCES,
    TISSUES,
    ct_contrast,
    mr_contrast,
)

SHAPE = (14, 16, 18)
SEEDS = range(12)


def _mr() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (len(SEQUENCES), *SHAPE)).astype(np.float16)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_scanned_mr_keeps_its_grid_and_is_never_negative(seed: int) -> None:
    volume, seen = augmentation.scanned_mr(np.random.default_rng(seed), _mr(), 1.0)
    assert volume.shape == seen.shape == SHAPE
    assert np.isfinite(volume).all()
    assert volume.min() >= 0
    assert not volume[seen == 0].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_scanned_ct_keeps_its_grid_and_hounsfield_units(seed: int) -> None:
    ct = np.full(SHAPE, 50, np.float16)
    volume = augmentation.scanned_ct(np.random.default_rng(seed), ct, 1.0)
    inside = volume[volume != -1024]
    assert volume.shape == SHAPE
    assert inside.mean() == pytest.approx(50, abs=6)
    assert inside.min() > -200


def test_inputs_are_not_changed() -> None:
    mr, ct = _mr(), np.full(SHAPE, 50, np.float32)
    augmentation.scanned_mr(np.random.default_rng(0), mr, 1.0)
    augmentation.scanned_ct(np.random.default_rng(0), ct, 1.0)
    np.testing.assert_array_equal(mr, _mr())
    assert (ct == 50).all()


def test_the_same_generator_state_gives_the_same_scan() -> None:
    first, second = (augmentation.scanned_mr(np.random.default_rng(4), _mr(), 1.0) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_thick_slices_keep_what_does_not_vary_across_them(seed: int) -> None:
    z, y, _ = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in SHAPE], indexing="ij")
    volume = 2 * z - y
    thick = augmentation.thick_slices(np.random.default_rng(seed), volume, 1.0)
    np.testing.assert_allclose(thick, volume, atol=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_thick_slices_do_not_move_a_ramp(seed: int) -> None:
    """A ramp averaged over a slice is its value in the slice's middle: any half-voxel shift would show."""
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32), (2, 3, 40))
    thick = augmentation.thick_slices(np.random.default_rng(seed), ramp, 1.0)
    np.testing.assert_allclose(thick[..., 8:-8], ramp[..., 8:-8], atol=0.35)


@pytest.mark.parametrize("seed", SEEDS)
def test_mottling_varies_tissue_within_its_limits_and_is_smooth(seed: int) -> None:
    volume = np.full((40, 40, 40), 3.0, np.float32)
    variation = np.log(augmentation.mottled(np.random.default_rng(seed), volume, 1.0) / 3)
    assert 0.029 < variation.std() < 0.121
    neighbours = np.corrcoef(variation[1:].ravel(), variation[:-1].ravel())[0, 1]
    assert neighbours > 0.7, "one voxel of 1 mm says most of the next"


def test_bias_is_positive_and_smooth() -> None:
    for seed in SEEDS:
        field = augmentation.bias_field(np.random.default_rng(seed), SHAPE)
        assert field.shape == SHAPE
        assert field.min() > 0
        assert np.abs(np.diff(np.log(field), axis=0)).max() < 0.4


def test_fields_of_view_keep_most_of_the_volume() -> None:
    cut = 0
    for seed in range(60):
        seen = augmentation.field_of_view(np.random.default_rng(seed), SHAPE)
        assert set(np.unique(seen)) <= {0.0, 1.0}
        assert seen.mean() > 0.3
        cut += seen.mean() < 1
    assert 5 < cut < 50


def test_contrasts_name_every_tissue_within_the_scanner_range() -> None:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        hu = ct_contrast(rng)
        assert len(hu) == len(TISSUES)
        assert hu[INDEX["air"]] < -900 < hu[INDEX["fat"]] < hu[INDEX["muscle"]] < hu[INDEX["cortex"]]
        for sequence in SEQUENCES:
            signal = mr_contrast(rng, sequence)
            assert len(signal) == len(TISSUES)
            assert signal.min() >= 0
            assert signal[INDEX["air"]] < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_ringing_overshoots_beside_an_edge_and_keeps_the_mean(seed: int) -> None:
    volume = np.full((32, 32, 32), 0.2, np.float32)
    volume[8:24, 8:24, 8:24] = 1
    rung = augmentation.ringing(np.random.default_rng(seed), volume)
    assert rung.max() > 1.03
    assert rung.min() >= 0
    assert rung.mean() == pytest.approx(volume.mean(), abs=0.01)
    assert not np.array_equal(rung, volume)
