"""The chemical shift moves fat, and only fat, by what it says."""

from __future__ import annotations

import numpy as np
import torch
from spine_ctmr.phantoms.anatomy import make_anatomy
from spine_ctmr.phantoms.mr_physics import ChemicalShift, render_mr
from spine_ctmr.phantoms.tissue import INDEX, TISSUES

ANATOMY = make_anatomy(np.random.default_rng(0), (22, 23, 24))


def signal(**tissues: float) -> np.ndarray:
    values = np.zeros(len(TISSUES))
    for name, value in tissues.items():
        values[INDEX[name.replace("_", " ")]] = value
    return values


def points() -> torch.Tensor:
    around = np.random.default_rng(1).uniform(-60, 60, (4000, 3))
    return torch.tensor(around, dtype=torch.float32)


def test_fat_is_shown_beside_where_it_is_and_water_where_it_is() -> None:
    shift = ChemicalShift((0.0, 1.5, 0.0))
    where = points()
    moved, labels = render_mr(ANATOMY, where, [signal(fat=1.0, muscle=0.3)], shift, 1.0)
    fat, _ = render_mr(ANATOMY, where - torch.tensor(shift.mm), [signal(fat=1.0)], ChemicalShift(), 1.0)
    water, known = render_mr(ANATOMY, where, [signal(muscle=0.3)], ChemicalShift(), 1.0)
    torch.testing.assert_close(moved, fat + water, atol=1e-5, rtol=0)
    assert (
        moved - render_mr(ANATOMY, where, [signal(fat=1.0, muscle=0.3)], ChemicalShift(), 1.0)[0]
    ).abs().max() > 0.2
    assert torch.equal(labels, known)


def test_marrow_moves_by_its_share_of_fat() -> None:
    where, contrast = points(), [signal(marrow=1.0)]
    still, _ = render_mr(ANATOMY, where, contrast, ChemicalShift(), 1.0)
    shifts = [ChemicalShift((0.0, 0.0, 2.0), share) for share in (0.25, 0.75)]
    changes = [(render_mr(ANATOMY, where, contrast, s, 1.0)[0] - still) for s in shifts]
    torch.testing.assert_close(3 * changes[0], changes[1], atol=1e-5, rtol=0)
    assert changes[0].abs().max() > 0.1


def test_random_shifts_are_along_one_axis_and_at_most_two_millimetres() -> None:
    shifts = [ChemicalShift.random(np.random.default_rng(seed)) for seed in range(200)]
    sizes = np.array([shift.mm for shift in shifts])
    assert ((sizes != 0).sum(1) <= 1).all()
    assert np.abs(sizes).max() <= 2
    assert 0.4 < (sizes != 0).any(1).mean() < 0.8
    assert (sizes > 0).any(0).all()
