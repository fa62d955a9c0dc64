from __future__ import annotations

import numpy as np
from spine_ctmr.network.preprocessing import scale_ct, scale_mr


def test_ct_is_clipped_and_mapped_to_unit_range() -> None:
    ct = np.array([-3000, -1000, 500, 2000, 3071, np.nan], np.float32)
    np.testing.assert_allclose(scale_ct(ct), [0, 0, 0.5, 1, 1, 0])
    assert scale_ct(ct.astype(np.float64)).dtype == np.float32
    assert scale_ct(np.array([500], np.int16))[0] == 0.5


def test_mr_ignores_empty_voxels_and_outliers() -> None:
    tissue = np.linspace(100, 200, 10_001)
    mr = np.concatenate([np.zeros(50_000), tissue, [1e6]])
    scaled = scale_mr(mr)
    assert scaled[-1] == 1
    assert scaled[0] == 0
    np.testing.assert_allclose(scaled[50_000 + 5000], 0.5, atol=1e-3)


def test_mr_scaling_ignores_gain() -> None:
    mr = np.random.default_rng(0).gamma(2, 50, (8, 8, 8))
    np.testing.assert_allclose(scale_mr(mr), scale_mr(17 * mr), atol=1e-6)


def test_empty_or_constant_mr_is_zero() -> None:
    assert not scale_mr(np.zeros((2, 3, 4))).any()
    assert not scale_mr(np.full((2, 3, 4), 7)).any()
