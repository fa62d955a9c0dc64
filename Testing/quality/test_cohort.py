"""Paired tests against published examples and plain counting."""

import json
from itertools import product

import numpy as np
import pytest
from scipy.stats import wilcoxon
from spine_ctmr.errors import InputError
from spine_ctmr.evaluation.cohort import as_markdown, compare, holm, read_cohort, signed_rank_p


def test_signed_rank_agrees_with_hollander_and_wolfe():
    """Depression scores of nine patients before and after (Hollander & Wolfe 1973): p = 0.0391."""
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    assert signed_rank_p(before, after) == pytest.approx(0.03906, abs=1e-5)


@pytest.mark.parametrize(
    ("difference", "ranks"),
    [
        ([1.0, -2.0, 3.5, 4.0, 5.5, 7.0], [1, 2, 3, 4, 5, 6]),
        ([1.0, 1.0, -1.0, 2.0, 2.0, 0.0, -3.0], [2, 2, 2, 4.5, 4.5, 6]),
    ],
)
def test_signed_rank_agrees_with_counting_all_signs(difference: list[float], ranks: list[float]):
    """With ties, which share their ranks, and with a patient where both are equal, who does not count."""
    signs = np.sign([d for d in difference if d])
    observed = min(np.dot(ranks, signs > 0), np.dot(ranks, signs < 0))
    sums = [np.dot(ranks, chosen) for chosen in product([0, 1], repeat=6)]
    wanted = min(1.0, 2 * np.mean([s <= observed for s in sums]))
    assert signed_rank_p(np.zeros(len(difference)), difference) == pytest.approx(wanted)


def test_signed_rank_of_many_pairs_goes_over_into_scipys():
    difference = np.round(np.random.default_rng(0).normal(0.2, 1, 51), 1) + 0.05
    exact, approximate = (signed_rank_p(np.zeros(n), difference[:n]) for n in (50, 51))
    assert approximate == pytest.approx(wilcoxon(difference).pvalue)
    assert exact == pytest.approx(wilcoxon(difference[:50]).pvalue, abs=1e-3)


def test_equal_methods_and_no_pairs():
    assert signed_rank_p([1, 2], [1, 2]) == 1
    assert np.isnan(signed_rank_p([], []))


def test_holm_steps_down():
    """By hand: 0.01 x 4, 0.02 x 3, then the larger of what came before and 0.03 x 2, 0.5 x 1."""
    np.testing.assert_allclose(holm([0.5, 0.01, 0.03, 0.02]), [0.5, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])


def cohort(offset):
    rng = np.random.default_rng(4)
    return {
        f"patient{i}": {
            n: {"tre_mm": 1 + rng.uniform() + offset * (n == 24) * rng.uniform(0.5, 1)} for n in (23, 24)
        }
        for i in range(12)
    }


def test_levels_are_compared_apart_and_together():
    rows = {row.level: row for row in compare(cohort(0), cohort(2.0), "tre_mm")}
    assert list(rows) == ["all", "L4", "L5"]
    assert rows["L5"].pairs == 12
    assert rows["L5"].p == pytest.approx(2 / 2**12)
    assert rows["L5"].p_holm == pytest.approx(2 * rows["L5"].p)
    assert rows["L4"].p_holm > 0.05
    assert rows["L5"].median_difference > 0.5
    assert "L5" in as_markdown("tre_mm", ("ours", "theirs"), list(rows.values()))


def test_who_loses_the_hard_vertebrae_does_not_win():
    """The second method is worse wherever it measured anything, and measured L5 in one patient alone."""
    first = {f"p{i}": {20: {"tre_mm": 1.0 + i / 100}, 24: {"tre_mm": 6.0}} for i in range(8)}
    second = {name: {20: {"tre_mm": rows[20]["tre_mm"] + 0.2}} for name, rows in first.items()}
    second["p0"][24] = {"tre_mm": 6.5}
    together = compare(first, second, "tre_mm")[0]
    assert together.median_difference == pytest.approx(0.2)
    assert together.first.mean < together.second.mean


def test_patients_are_matched_by_name_and_gaps_do_not_count(tmp_path):
    values = {"ours": {"a": 1.0, "b": None, "c": 2.0}, "theirs": {"a": 1.5, "b": 9.0, "d": 9.0}}
    for method, patients in values.items():
        for name, value in patients.items():
            (tmp_path / method / name).mkdir(parents=True)
            content = {"vertebrae": [{"number": 23, "name": "L4", "flag": "good", "tre_mm": value}]}
            (tmp_path / method / name / "evaluation.json").write_text(json.dumps(content))
    first, second = read_cohort(tmp_path / "ours"), read_cohort(tmp_path / "theirs")
    level = compare(first, second, "tre_mm")[1]
    assert (level.pairs, level.median_difference) == (1, 0.5)
    (tmp_path / "ours" / "a" / "evaluation.json").write_text("[]")
    with pytest.raises(InputError, match="damaged"):
        read_cohort(tmp_path / "ours")
    with pytest.raises(InputError, match="no evaluated patients"):
        read_cohort(tmp_path)
