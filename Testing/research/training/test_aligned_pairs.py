"""The dual loss of Cao et al. 2018: counterparts by the true motion, which has the least loss."""

from __future__ import annotations

import math

import pytest
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.network.integration import voxel_indices, warp
from spine_ctmr.network.motion import Motion
from spine_ctmr.research.training.aligned_pairs import aligned_ct, aligned_mr
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.loss_functions import LOSSES
from spine_ctmr.research.training.outcome import Outcome
from torch import Tensor

SIDE, SPACING, MARGIN = 24, 1.5, 4


def anatomy(points: Tensor) -> Tensor:
    """A smooth image of points (Z, Y, X, 3) in mm."""
    x, y, z = points.unbind(-1)
    return (0.5 + 0.2 * torch.sin(x / 4) + 0.2 * torch.cos(y / 5 + z / 6))[None, None]


def grid() -> Tensor:
    return SPACING * voxel_indices((SIDE,) * 3, torch.zeros(1))


def swing() -> Tensor:
    """A motion of up to 3 mm, (1, 3, Z, Y, X)."""
    phase = 2 * math.pi * grid() / (SPACING * SIDE)
    x, y, z = phase.unbind(-1)
    return torch.stack([3 * torch.sin(y), 2 * torch.cos(z), 2 * torch.sin(x)])[None]


def batch() -> Batch:
    """The CT shows the anatomy; the MR shows it, with another contrast, where the motion puts it."""
    moved = grid() + swing()[0].permute(1, 2, 3, 0)
    ct, mr = anatomy(grid()), 1 - anatomy(moved)
    return Batch(mr, ct, torch.zeros(ct.shape, dtype=torch.long), torch.ones_like(ct), swing())


def middle(values: Tensor) -> Tensor:
    return values[..., MARGIN:-MARGIN, MARGIN:-MARGIN, MARGIN:-MARGIN]


def test_counterparts_show_the_other_modality_in_the_same_place() -> None:
    pair = batch()
    ct_in_mr = aligned_ct(pair.moving, pair.displacement, SPACING)
    mr_in_ct = aligned_mr(pair.fixed, pair.displacement, SPACING)
    torch.testing.assert_close(middle(ct_in_mr), middle(1 - pair.fixed), atol=0.01, rtol=0)
    torch.testing.assert_close(middle(mr_in_ct), middle(1 - pair.moving), atol=0.01, rtol=0)


@pytest.mark.parametrize("name", ["ct_correlation", "mr_correlation"])
def test_the_true_motion_costs_least(name: str) -> None:
    inner = middle(swing())
    costs = [
        float(LOSSES[name](Outcome(batch(), Motion(field, margin=MARGIN), SPACING)))
        for field in (inner, 0.7 * inner, 0 * inner, -inner)
    ]
    assert costs[0] < 2e-3
    assert costs == sorted(costs)
    assert costs[2] > 0.05


def test_gradient_points_to_the_true_motion() -> None:
    still = torch.zeros_like(middle(swing())).requires_grad_()
    outcome = Outcome(batch(), Motion(still, margin=MARGIN), SPACING)
    (LOSSES["ct_correlation"](outcome) + LOSSES["mr_correlation"](outcome)).backward()
    assert float((-still.grad * middle(swing())).sum()) > 0


def test_images_of_one_modality_are_compared() -> None:
    """The contrast between the modalities is inverted, and the dual loss does not see it."""
    field = middle(swing())
    outcome = Outcome(batch(), Motion(field, margin=MARGIN), SPACING)
    direct = torch.corrcoef(torch.stack([outcome.fixed.flatten(), outcome.warped.flatten()]))[0, 1]
    assert direct < -0.99
    torch.testing.assert_close(
        outcome.warped_aligned_mr, warp(1 - batch().moving, field, SPACING, margin=MARGIN), atol=0.01, rtol=0
    )


def test_pairs_without_truth_are_refused_in_a_sentence() -> None:
    known = batch()
    unknown = Batch(known.fixed, known.moving, known.labels, known.weight)
    with pytest.raises(InputError, match="true displacement"):
        LOSSES["ct_correlation"](Outcome(unknown, Motion(swing()), SPACING))


def test_magnitude_is_the_mean_squared_length() -> None:
    field = torch.tensor([3.0, 4.0, 0.0]).reshape(1, 3, 1, 1, 1).expand(1, 3, 4, 4, 4)
    assert float(LOSSES["magnitude"](Outcome(batch(), Motion(field), SPACING))) == pytest.approx(25)
