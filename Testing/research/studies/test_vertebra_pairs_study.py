"""Gao's study of pairs of vertebrae: overlaps, tables, figure 6 and conclusions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import sem
from spine_ctmr.network.motion import Motion
from spine_ctmr.research.studies.papers import cao, gao
from spine_ctmr.research.studies.papers.gao_figures import draw_vertebra_pair
from spine_ctmr.research.studies.papers.gao_pairs import (
    STAGES,
    PairOverlap,
    PairResult,
    folding_table,
    overlap_table,
    pair_result,
    result_of,
    values_of,
)
from spine_ctmr.research.training.batch import Batch
from spine_ctmr.research.training.outcome import Outcome
from spine_ctmr.research.training.recipe_file import read_toml

torch.set_num_threads(1)
PUBLISHED = read_toml(cao.PUBLISHED)
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


def outcome(level: int = 22) -> Outcome:
    """The affine stage brings the beginnings together; the final field moves the box two voxels too far."""
    final = shift(6)
    final[:, 2, 30:] += 3 * SPACING_MM
    final[:, 2, 40] -= 3 * SPACING_MM
    return Outcome(boxes(level), Motion(final, affine=shift(4)), SPACING_MM)


def test_overlaps_of_every_stage_and_folds_of_a_pair_of_vertebrae() -> None:
    """The z component falls by 3 voxels at slice 40 and rises again at 41: the map folds around there."""
    found = pair_result(outcome())
    initial, affine = found.overlaps["initial"], found.overlaps["affine"]
    assert (initial.dice, initial.precision, initial.recall) == pytest.approx((8 / 20, 4 / 12, 4 / 8))
    assert (affine.dice, affine.precision, affine.recall) == pytest.approx((16 / 20, 8 / 12, 1.0))
    assert found.overlaps["final"].recall < affine.recall
    assert 0 < affine.assd_mm < initial.assd_mm < 4 * SPACING_MM
    line = torch.zeros(SIDE)
    line[30:] = 3.0
    line[40] = 0.0
    slices = int((1 + torch.gradient(line)[0] <= 0).sum())
    assert found.folded_voxels == slices * SIDE**2 > 0
    assert found.folded_percent == pytest.approx(100 * slices / SIDE)
    assert result_of(json.loads(json.dumps(values_of(found)))) == found


def test_tables_of_pairs_have_levels_and_both_averages() -> None:
    results = [pair_result(outcome(20)), pair_result(outcome(23))]
    lines = overlap_table(results).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")][1:4] == ["L1", "0.400", "0.800"]
    assert [text.split("|")[1].strip() for text in lines[2:]] == ["L1", "L4", "Average"]
    folds = folding_table(results).splitlines()
    assert folds[-1].split("|")[2].strip() == str(results[0].folded_voxels)
    page = "\n".join(gao.tables({gao.STUDY_3: {str(k): r for k, r in enumerate(results)}}, PUBLISHED))
    assert "| *paper's average* | 0.623 | 0.731 | 0.963 |" in page
    assert "| *paper's average* | 11311 | 2064 | 1.1 | 0.2 |" in page


@pytest.mark.slow
def test_figure_6_shows_both_cuts_of_every_network(tmp_path: Path) -> None:
    draw_vertebra_pair(tmp_path / "one.png", {"a": outcome()})
    draw_vertebra_pair(tmp_path / "two.png", {"a": outcome(), "b": outcome()})
    sizes = [(tmp_path / f"{name}.png").stat().st_size for name in ("one", "two")]
    assert sizes[1] > 1.5 * sizes[0]


def test_claims_of_pairs_compare_the_same_pairs_and_count_a_fixed_subject_once() -> None:
    def results(dice: float, folds: int) -> dict[str, PairResult]:
        overlaps = {stage: PairOverlap(dice, 0.5, 0.5, 2.0 - dice) for stage in STAGES}
        pairs = [(fixed, moving) for fixed in range(4) for moving in range(4) if moving != fixed]
        return {f"L1-{f}-{m}": PairResult(20, overlaps, folds + m % 2, 0.0) for f, m in pairs}

    said = [c.sentence() for c in gao.claims({gao.STUDY_2: results(0.8, 9), gao.STUDY_3: results(0.9, 3)})]
    assert "cannot be said" in said[0]
    assert all("reproduced" in sentence and "n = 4" in sentence for sentence in said[1:])


def test_standard_error_counts_subjects_whether_they_are_fixed_or_moving() -> None:
    """Of many studies with known spread between subjects: half of it comes from the moving ones."""
    rng = np.random.default_rng(3)
    pairs = [f"L1-{fixed}-{moving}" for fixed in range(10) for moving in range(10) if fixed != moving]
    places = np.array([pair.split("-")[1:] for pair in pairs], int)
    means, errors = [], []
    for _ in range(400):
        as_fixed, as_moving = rng.normal(size=(2, 10))
        values = as_fixed[places[:, 0]] + as_moving[places[:, 1]] + rng.normal(0, 0.3, len(pairs))
        of_subjects = gao.by_subject(pairs, values)
        assert of_subjects.mean() == pytest.approx(values.mean())
        means.append(values.mean())
        errors.append(sem(of_subjects))
    assert np.mean(np.square(errors)) == pytest.approx(np.var(means), rel=0.2)
