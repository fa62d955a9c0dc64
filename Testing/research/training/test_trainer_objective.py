"""Every loss term can be trained with and vanishes for the perfect answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.network.motion import Motion
from spine_ctmr.network.unet import VelocityUNet
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.loss_functions import LOSSES, NEEDED_FILES
from spine_ctmr.research.training.loss_terms import LossTerm, evaluate
from spine_ctmr.research.training.outcome import Outcome
from spine_ctmr.research.training.validation import Measures, mean_measures, measure

NETWORK = VelocityUNet()


def outcome_of(velocity: torch.Tensor, batch: Batch) -> Outcome:
    return Outcome(batch, NETWORK.motion(velocity, 2.0), 2.0)


def measures_of(velocity: torch.Tensor, batch: Batch) -> Measures:
    return measure(outcome_of(velocity, batch), torch.tensor(0.5))


def shifted_pair() -> tuple[Batch, torch.Tensor]:
    """A CT moved by two voxels of 2 mm along x, and the velocity that explains it."""
    image = torch.rand(1, 1, 16, 16, 24, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(1, 1, 16, 16, 24, dtype=torch.long)
    labels[:, :, 2:7, 4:12, 8:14] = 20
    labels[:, :, 9:14, 4:12, 8:14] = 21
    displacement = torch.tensor([4.0, 0, 0]).reshape(1, 3, 1, 1, 1).expand(1, 3, 16, 16, 24)
    fixed = torch.cat([image[..., 2:], image[..., -1:], image[..., -1:]], -1)
    batch = Batch(fixed, image, labels, torch.ones_like(image), displacement, labels.roll(-2, -1))
    return batch, displacement[..., :8, :8, :12].clone()


INFORMATION = ("mutual_information", "normalised_mutual_information")
"""Losses that are lowest, but not 0, for the truth."""


TESTED_ELSEWHERE = {"magnitude", "affine_local_correlation", "affine_overlap", "deformation_smoothness"}
"""The first is lowest without motion (test_aligned_pairs), the others look at an affine stage."""


@pytest.mark.parametrize("term", [name for name in LOSSES if name not in TESTED_ELSEWHERE])
def test_term_is_lowest_for_the_truth(term: str) -> None:
    batch, velocity = shifted_pair()
    terms = {term: LossTerm(1.0)}
    perfect = evaluate(terms, outcome_of(velocity, batch))
    assert list(perfect) == [term]
    if term not in INFORMATION:
        assert perfect[term] < 1e-4
    other = velocity + 2 * torch.randn(velocity.shape, generator=torch.Generator().manual_seed(1))
    other.requires_grad_()
    loss = evaluate(terms, outcome_of(other, batch))[term]
    assert loss > perfect[term] + 1e-3
    loss.backward()
    assert other.grad is not None
    assert other.grad.abs().max() > 0


@pytest.mark.slow
def test_unpadded_network_sees_beyond_its_displacement() -> None:
    batch, velocity = shifted_pair()
    full = NETWORK.motion(velocity, 2.0).displacement
    inner = full[..., 3:-3, 3:-3, 3:-3]
    cut = Outcome(batch, Motion(inner, margin=3), 2.0)
    whole = Outcome(batch, Motion(full), 2.0)
    for name in ("fixed", "warped", "warped_labels", "weight", "bone"):
        torch.testing.assert_close(getattr(cut, name), getattr(whole, name)[..., 3:-3, 3:-3, 3:-3])


def test_similarity_counts_where_the_motion_stays_on_the_grid() -> None:
    batch, velocity = shifted_pair()
    field = torch.zeros_like(NETWORK.motion(velocity, 2.0).displacement)
    field[:, 0] = 5.0  # two and a half voxels
    common = Outcome(batch, Motion(field), 2.0).common
    assert torch.equal(common[..., :-3], batch.weight[..., :-3])
    assert not common[..., -3:].any()
    inner = Outcome(batch, Motion(field[..., 3:-3, 3:-3, 3:-3], margin=3), 2.0)
    assert torch.equal(inner.common, inner.weight)


def test_loss_without_its_input_is_refused() -> None:
    batch, velocity = shifted_pair()
    blind = replace(batch, displacement=None, fixed_labels=None)
    for term, wanted in (("displacement", "true displacement"), ("dice", "labels of the MR")):
        with pytest.raises(InputError, match=f"need.*{wanted}"):
            evaluate({term: LossTerm(1.0)}, outcome_of(velocity, blind))


@pytest.mark.parametrize("term", [name for name in LOSSES if name not in TESTED_ELSEWHERE])
def test_losses_of_own_patients_need_the_files_that_are_told(term: str) -> None:
    batch, velocity = shifted_pair()
    inputs = {"mr_labels": "fixed_labels", "ct_in_mr": "ct_in_mr", "mr_in_ct": "mr_in_ct"}
    image = batch.moving
    full = replace(batch, displacement=None, ct_in_mr=image, mr_in_ct=image)
    for file, array in inputs.items():
        without = outcome_of(velocity, replace(full, **{array: None}))
        if term in ("displacement", "bone_displacement") or NEEDED_FILES.get(term) == file:
            with pytest.raises(InputError, match="need"):
                evaluate({term: LossTerm(1.0)}, without)
        else:
            evaluate({term: LossTerm(1.0)}, without)


def test_errors_of_the_truth_and_of_zero() -> None:
    batch, velocity = shifted_pair()
    perfect = measures_of(velocity, batch)
    assert perfect.score == pytest.approx(0, abs=1e-5)
    assert perfect.dice == 1
    assert (perfect.zero_bone_mm, perfect.zero_soft_mm) == pytest.approx((4, 4))
    still = measures_of(0 * velocity, batch)
    assert still.bone_mm == pytest.approx(4)
    assert still.dice == pytest.approx(4 / 6)


def test_score_is_the_best_that_the_data_can_tell() -> None:
    batch, velocity = shifted_pair()
    labelled = measures_of(velocity, replace(batch, displacement=None))
    assert labelled.score == pytest.approx(0, abs=1e-6)
    blind = measures_of(velocity, replace(batch, displacement=None, fixed_labels=None))
    assert blind.score == 0.5
    assert mean_measures([blind, labelled]).dice == 1
