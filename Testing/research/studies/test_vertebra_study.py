"""Measures of vertebra pairs against boxes whose overlaps and folds are counted by hand."""

from __future__ import annotations

import pytest
import torch
from spine_ctmr.network.motion import Motion
from spine_ctmr.research.studies.vertebra_study import (
    PairResult,
    folding_table,
    overlap_table,
    pair_result,
    study,
)
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.outcome import Outcome
from spine_ctmr.research.training.recipe import recipe_of
from spine_ctmr.research.training.recipe_file import find_recipe, load_recipe

torch.set_num_threads(1)

SIDE, SPACING_MM = 48, 2.0


def boxes(level: int = 22) -> Batch:
    """A fixed box of 8 voxels along x; the moving one is 12 long and begins 4 voxels later."""
    fixed, moving = torch.zeros(2, 1, 1, SIDE, SIDE, SIDE, dtype=torch.int64)
    fixed[..., 16:32, 16:32, 16:24] = level
    moving[..., 16:32, 16:32, 20:32] = level
    images = [(labels > 0).float() for labels in (fixed, moving)]
    return Batch(images[0], images[1], moving, torch.ones_like(images[0]), fixed_labels=fixed)


def shift(voxels: int) -> torch.Tensor:
    field = torch.zeros(1, 3, SIDE, SIDE, SIDE)
    field[:, 0] = voxels * SPACING_MM
    return field


def result(level: int = 22) -> PairResult:
    """The affine stage brings the beginnings together; the final field moves the box two voxels too far."""
    final = shift(6)
    final[:, 2, 30:] += 3 * SPACING_MM
    final[:, 2, 40] -= 3 * SPACING_MM
    return pair_result(Outcome(boxes(level), Motion(final, affine=shift(4)), SPACING_MM))


def test_overlaps_of_every_stage() -> None:
    found = result().overlaps
    initial, affine = found["initial"], found["affine"]
    assert (initial.dice, initial.precision, initial.recall) == pytest.approx((8 / 20, 4 / 12, 4 / 8))
    assert (affine.dice, affine.precision, affine.recall) == pytest.approx((16 / 20, 8 / 12, 1.0))
    assert found["final"].recall < affine.recall
    assert 0 < affine.assd_mm < initial.assd_mm < 4 * SPACING_MM


def test_folds_are_counted() -> None:
    """The z component falls by 3 voxels at slices 40 and rises again at 41: the map folds around there."""
    folded = result()
    line = torch.zeros(SIDE)
    line[30:] = 3.0
    line[40] = 0.0
    slope = torch.gradient(line)[0]
    slices = int((1 + slope <= 0).sum())
    assert slices > 0
    assert folded.folded_voxels == slices * SIDE**2
    assert folded.folded_percent == pytest.approx(100 * slices / SIDE)


def test_tables_have_levels_and_the_average() -> None:
    results = [result(20), result(23)]
    lines = overlap_table(results).splitlines()
    cells = [cell.strip() for cell in lines[2].split("|")]
    assert cells[1:4] == ["L1", "0.400", "0.800"]
    assert [row.split("|")[1].strip() for row in lines[2:]] == ["L1", "L4", "Average"]
    folds = folding_table(results).splitlines()
    assert folds[-1].split("|")[2].strip() == str(results[0].folded_voxels)
    assert folds[-1].split("|")[3].strip() == "0"


def test_study_of_an_untrained_network_changes_nothing() -> None:
    network = {
        "kind": "acsgregnet",
        "affine": [2] * 5,
        "encoder": [2] * 5,
        "width": 4,
        "layers": 1,
        "heads": 1,
    }
    values = {**load_recipe(find_recipe("acsgregnet")).to_dict(), "network": {**network, "hidden": 4}}
    recipe = recipe_of(values)
    found = list(study(recipe, recipe.network.build().state_dict(), [boxes()]))
    assert len(found) == 1
    assert found[0].overlaps["final"] == found[0].overlaps["initial"]
    assert found[0].folded_voxels == 0
