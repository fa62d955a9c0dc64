"""Values between nodes against scipy, whatever the number of threads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from spine_ctmr.geometry import sampling


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("padding", ["border", "zeros"])
def test_linear_samples_agree_with_scipy(threads: int, padding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "WORTH_A_THREAD", 100)
    rng = np.random.default_rng(3)
    volume = rng.normal(size=(3, 7, 9, 11)).astype(np.float32)
    where = rng.uniform(-1.0, 1.0, (1001, 3)).astype(np.float32)
    where[:5] = 1.5
    index = ((where + 1) / 2 * (np.array(volume.shape[:0:-1]) - 1)).T[::-1].astype(float)
    mode = "nearest" if padding == "border" else "constant"
    expected = np.stack([map_coordinates(channel, index, order=1, mode=mode) for channel in volume])
    found = sampling.linear_samples(torch.from_numpy(volume), torch.from_numpy(where), padding)
    assert found.shape == (3, 1001)
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-5)


def test_no_points() -> None:
    assert sampling.linear_samples(torch.ones(2, 3, 3, 3), torch.empty(0, 3)).shape == (2, 0)
    assert sampling.sample_field(torch.ones(3, 3, 3, 2), torch.empty(0, 3)).shape == (0, 2)
