"""Every loss term can be trained with and vanishes for the perfect answer."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from SpineCTMRRegistrationLib.training.batch import Batch
from SpineCTMRRegistrationLib.training.objective import field_errors, loss_terms
from SpineCTMRRegistrationLib.training.recipe import LossWeights

TERMS = [f.name for f in dataclasses.fields(LossWeights)]


def shifted_pair() -> tuple[Batch, torch.Tensor]:
    """A CT moved by two voxels of 2 mm along x, and the velocity that explains it."""
    image = torch.rand(1, 1, 16, 16, 24, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(1, 1, 16, 16, 24, dtype=torch.long)
    labels[:, :, 2:7, 4:12, 8:14] = 20
    labels[:, :, 9:14, 4:12, 8:14] = 21
    displacement = torch.tensor([4.0, 0, 0]).reshape(1, 3, 1, 1, 1).expand(1, 3, 16, 16, 24)
    fixed = torch.cat([image[..., 2:], image[..., -1:], image[..., -1:]], -1)
    bone = (labels.roll(-2, -1) > 0).float()
    batch = Batch(fixed, image, displacement, bone, torch.ones_like(image), labels)
    return batch, displacement[..., :8, :8, :12].clone()


@pytest.mark.parametrize("term", TERMS)
def test_term_vanishes_for_the_truth_and_not_for_another_field(term: str) -> None:
    batch, velocity = shifted_pair()
    weights = LossWeights(**{name: float(name == term) for name in TERMS})
    perfect = loss_terms(velocity, batch, 2.0, weights)
    assert list(perfect) == [term]
    assert perfect[term] < 1e-4
    other = velocity + 2 * torch.randn(velocity.shape, generator=torch.Generator().manual_seed(1))
    other.requires_grad_()
    loss = loss_terms(other, batch, 2.0, weights)[term]
    assert loss > 1e-3
    loss.backward()
    assert other.grad is not None
    assert other.grad.abs().max() > 0


def test_errors_of_the_truth_and_of_zero() -> None:
    batch, velocity = shifted_pair()
    errors = field_errors(velocity, batch, 2.0)
    assert errors.score_mm == pytest.approx(0, abs=1e-5)
    assert (errors.zero_bone_mm, errors.zero_soft_mm) == pytest.approx((4, 4))
    assert field_errors(0 * velocity, batch, 2.0).bone_mm == pytest.approx(4)
