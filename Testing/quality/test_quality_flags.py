"""The rules, one signal at a time, and what they say together."""

import math

import pytest
from SpineCTMRRegistrationLib.quality.flags import VertebraQuality, flag_vertebra, verdict

FINE = {
    "residual_before": 0.08,
    "residual_after": 0.05,
    "spread_mm": 0.2,
    "network_disagreement_mm": 2.0,
    "neighbour_disagreement_mm": 1.0,
    "visible_share": 0.95,
    "overlap_share": 0.01,
    "moved_mm": 30.0,
    "rotated_deg": 20.0,
    "jacobian_mean": 1.0,
    "jacobian_sd": 0.0,
}


def flag(**signals: float) -> VertebraQuality:
    return flag_vertebra("L3", 22, **{**FINE, **signals})


def test_fine_signals_are_good_and_all_of_them_are_kept():
    row = flag()
    assert row.flag == "good"
    assert {key: getattr(row, key) for key in FINE} == FINE
    assert (row.name, row.number) == ("L3", 22)


@pytest.mark.parametrize(
    ("signal", "still_good", "check", "still_check", "refuse"),
    [
        ("visible_share", 0.7, 0.69, 0.25, 0.24),
        ("spread_mm", 0.75, 0.76, 2.0, 2.01),
        ("network_disagreement_mm", 6.0, 6.01, 12.0, 12.01),
        ("neighbour_disagreement_mm", 6.0, 6.01, 12.0, 12.01),
    ],
)
def test_thresholds(signal, still_good, check, still_check, refuse):
    found = [flag(**{signal: value}).flag for value in (still_good, check, still_check, refuse)]
    assert found == ["good", "check", "check", "do not use"]


def test_thresholds_that_only_raise_a_doubt():
    assert flag(residual_after=0.0815).flag == "good"
    assert flag(residual_after=0.0817).flag == "check"
    assert flag(overlap_share=0.1).flag == "good"
    assert flag(overlap_share=0.9).flag == "check"


@pytest.mark.parametrize("signal", FINE)
def test_what_was_not_measured_says_nothing(signal):
    assert flag(**{signal: math.nan}).flag == "good"


def test_nothing_measured_is_not_good():
    row = flag_vertebra("T4", 11)
    assert row.flag == "check"
    assert "measured" in row.reason


def test_the_reason_names_the_number_and_the_worst_rule_wins():
    assert "18 %" in flag(visible_share=0.18).reason
    both = flag(visible_share=0.5, spread_mm=2.4)
    assert both.flag == "do not use"
    assert both.reason == "different starts end 2.4 mm apart"
    assert "\n" not in flag(visible_share=0.5, spread_mm=1, overlap_share=0.3).reason


def test_verdict():
    assert verdict([]) == "No vertebra was assessed."
    assert verdict([flag()]) == "The only vertebra is good."
    assert verdict([flag(), flag()]) == "All 2 vertebrae are good."
    found = verdict([flag(), flag(spread_mm=1), flag(spread_mm=9)])
    assert found == "1 of 3 vertebrae good; check L3; do not use L3."
