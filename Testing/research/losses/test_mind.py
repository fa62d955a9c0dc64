from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from spine_ctmr.research.losses.mind import mind_loss
from spine_ctmr.similarity.mind import PAIRS, mind_ssc


def image(seed: int, side: int = 9) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 1, side, side, side, generator=generator, dtype=torch.float64)


def patch(array: NDArray[np.float64], centre: NDArray[np.int64], radius: int) -> NDArray[np.float64]:
    z, y, x = (slice(c - radius, c + radius + 1) for c in centre)
    return array[z, y, x]


@pytest.mark.parametrize(("radius", "dilation"), [(1, 1), (1, 2), (2, 2)])
def test_channels_follow_the_definition(radius: int, dilation: int) -> None:
    volume = image(0, 13)
    array, centre = volume[0, 0].numpy(), np.array([6, 6, 6])
    distance = np.array(
        [
            ((patch(array, centre + dilation * np.array(a), radius)
              - patch(array, centre + dilation * np.array(b), radius)) ** 2).mean()
            for a, b in PAIRS
        ]
    )  # fmt: skip
    distance -= distance.min()
    expected = np.exp(-distance / distance.mean())
    np.testing.assert_allclose(mind_ssc(volume, radius, dilation)[0, :, 6, 6, 6], expected, atol=1e-12)


def test_twelve_pairs_of_neighbours_that_do_not_face_each_other() -> None:
    assert len(PAIRS) == 12
    assert all(np.dot(a, b) == 0 for a, b in PAIRS)


def test_contrast_and_its_sign_do_not_matter() -> None:
    torch.testing.assert_close(mind_ssc(image(1)), mind_ssc(300 - 70 * image(1)))
    assert mind_loss(image(1), 5 + 2 * image(1), torch.ones_like(image(1))) < 1e-20


def test_constant_image_is_finite_and_featureless() -> None:
    torch.testing.assert_close(mind_ssc(torch.full((1, 1, 7, 7, 7), 3.0)), torch.ones(1, 12, 7, 7, 7))


def test_loss_grows_with_the_shift() -> None:
    coarse = torch.rand(1, 1, 6, 6, 6, generator=torch.Generator().manual_seed(4))
    smooth = torch.nn.functional.interpolate(coarse, size=(24, 24, 24), mode="trilinear")
    losses = [
        float(mind_loss(smooth, -smooth.roll(shift, -1), torch.ones_like(smooth))) for shift in (0, 1, 2)
    ]
    assert losses[0] < 1e-9
    assert losses[0] < losses[1] < losses[2]


def test_gradient() -> None:
    volume = image(2, 4).requires_grad_()
    weight = image(5, 4).abs()
    # The limits of the variance are held constant on purpose, so they must not be active here.
    assert torch.autograd.gradcheck(lambda v: mind_loss(image(3, 4), v, weight, 1, 1), volume)


def test_what_the_scanner_did_not_see_does_not_count() -> None:
    fixed, warped = image(1, 12), image(1, 12)
    warped[..., 8:] = image(2, 12)[..., 8:]
    seen = torch.zeros_like(fixed)
    seen[..., :6] = 1  # a patch reaches two voxels further
    assert mind_loss(fixed, warped, seen, 1, 1) < 1e-20
    assert mind_loss(fixed, warped, torch.ones_like(seen), 1, 1) > 0.01
