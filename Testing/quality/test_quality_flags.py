"""The rules, one indicator at a time, and what they say together."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spine_ctmr.quality.flags import LIMITS, VertebraQuality, flag_vertebra
from spine_ctmr.quality.spine_flags import (
    at_wrong_level,
    in_company,
    judged_together,
    of_exchanged_sides,
    of_other_bones,
    other_bones,
    verdict,
)

FINE = {
    "residual_before": 0.08,
    "residual_after": 0.05,
    "match_ratio": 0.6,
    "stretch_mm": 0.3,
    "level_ratio": 1.5,
    "spread_mm": 0.2,
    "disc_offset_mm": 0.2,
    "network_disagreement_mm": 0.6,
    "neighbour_disagreement_mm": 1.0,
    "uncertainty_mm": 0.4,
    "uncertainty_deg": 0.6,
    "visible_share": 0.95,
    "overlap_share": 0.01,
    "moved_mm": 30.0,
    "rotated_deg": 20.0,
    "jacobian_mean": 1.0,
    "jacobian_sd": 0.0,
}


def flag(**indicators: float) -> VertebraQuality:
    return flag_vertebra("L3", 22, **{**FINE, **indicators})


def test_fine_indicators_are_good_and_all_of_them_are_kept():
    row = flag()
    assert row.flag == "good"
    assert {key: getattr(row, key) for key in FINE} == FINE
    assert (row.name, row.number) == ("L3", 22)


WORSE = {
    "match_ratio": (0.6, 1.3),
    "stretch_mm": (0.1, 3.0),
    "level_ratio": (1.5, 0.5),
    "disc_offset_mm": (0.0, 4.0),
    "uncertainty_mm": (0.1, 4.0),
    "neighbour_disagreement_mm": (0.5, 10.0),
    "visible_share": (1.0, 0.0),
    "overlap_share": (0.0, 1.0),
}
"""Best and worst of the indicators that decide."""
ORDER = ("good", "check", "do not use")


@settings(deadline=None)
@given(
    shares=st.lists(st.floats(0, 1), min_size=len(WORSE), max_size=len(WORSE)),
    which=st.integers(0, len(WORSE) - 1),
    step=st.floats(0, 1),
)
def test_an_indicator_that_gets_worse_never_improves_the_flag(shares, which, step):
    def found(shares):
        pairs = zip(WORSE.items(), shares, strict=True)
        return ORDER.index(flag(**{name: a + s * (b - a) for (name, (a, b)), s in pairs}).flag)

    worse = list(shares)
    worse[which] += step * (1 - worse[which])
    assert found(worse) >= found(shares)


@pytest.mark.parametrize(
    ("indicator", "value", "words"),
    [
        ("match_ratio", 1.2, "as well 5 mm beside"),
        ("neighbour_disagreement_mm", 9.0, "9.0 mm against them"),
        ("label_offset_mm", 6.2, "correct its label in the CT: it lies 6 mm beside its bone"),
        ("label_contrast", 0.1, "its outline does not follow the bone"),
        ("level_ratio", 0.6, "one level up or down"),
        ("disc_offset_mm", 1.6, "in the sagittal view: those of the MR lie 1.6 mm"),
        ("uncertainty_mm", 1.2, "leave its place open by 1.2 mm and 0.6°"),
        ("stretch_mm", 1.2, "were 1.2 mm larger or smaller"),
        ("overlap_share", 0.2, "look at its facet joints in the axial view: 20 % of it"),
    ],
)
def test_one_very_bad_indicator_is_enough_and_is_named(indicator, value, words):
    row = flag(**{indicator: value})
    assert row.flag != "good"
    assert words in row.reason


def test_plain_geometry():
    assert flag(visible_share=0.24).flag == "do not use"
    assert flag(visible_share=0.5).flag == "check"
    assert flag(overlap_share=0.11).flag == "check"
    assert flag(stretch_mm=1.0).flag == "check"


def test_a_network_that_disagrees_raises_no_doubt():
    assert flag(network_disagreement_mm=20.0).flag == "good"


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: f"{limit.name} {limit.bound}")
def test_a_hard_limit_counts_from_its_bound_on(limit):
    step = -1e-3 if limit.below else 1e-3
    assert flag(**{limit.name: limit.bound + step}).flag != "good"
    at_bound = flag(**{limit.name: limit.bound})
    assert at_bound.flag == ("check" if limit.flag == "do not use" else "good")


def test_a_spine_of_doubted_vertebrae_holds_no_good_one():
    rows = [flag(), flag(level_ratio=0.5), flag(overlap_share=0.5)]
    assert [row.flag for row in in_company(rows)] == ["check", "do not use", "check"]
    assert in_company(rows[:2]) == rows[:2]
    assert {row.flag for row in at_wrong_level(rows, "caudal")} == {"do not use"}
    assert "caudal" in at_wrong_level(rows, "caudal")[0].reason


def test_vertebrae_that_the_mr_does_not_show_say_nothing_about_those_that_it_shows():
    rows = [flag(visible_share=0.0), flag(visible_share=0.1), flag(visible_share=0.5), flag(), flag()]
    assert in_company(rows) == rows
    assert rows[-1].flag == "good"


def test_no_vertebra_is_used_where_the_sides_are_exchanged():
    rows = of_exchanged_sides([flag(), flag(level_ratio=0.5)])
    assert {(row.flag, "mirrored" in row.reason) for row in rows} == {("do not use", True)}


def test_bones_that_fit_only_when_stretched_are_of_another_patient():
    assert other_bones([flag(), flag(), flag()]) is None
    assert other_bones([flag(), flag(), flag(stretch_mm=3.0, match_ratio=1.2)]) is None
    wrong = [
        flag(stretch_mm=size, neighbour_disagreement_mm=math.nan, level_ratio=1.05)
        for size in (0.7, 1.2, 1.6)
    ]
    found = other_bones(wrong)
    assert found is not None
    assert "their size were changed by 1.2 mm" in found
    assert {row.flag for row in of_other_bones(wrong)} == {"do not use"}


def test_stretched_bones_with_strained_joints_are_of_another_patient():
    """A neck whose MR is another patient's: 0.70 and 1.5 mm. Right: a neck of thick slices, a far move."""
    neck = [flag(stretch_mm=size, neighbour_disagreement_mm=0.55) for size in (0.7, 0.83, 1.6)]
    moved = [flag(stretch_mm=0.22, neighbour_disagreement_mm=size) for size in (1.9, 2.1, 3.0)]
    wrong = [flag(stretch_mm=0.7, neighbour_disagreement_mm=size) for size in (1.2, 1.5, 2.5)]
    assert other_bones(neck) is None
    assert other_bones(moved) is None
    assert "by 0.7 mm, and lie 1.5 mm from where their neighbours say" in (other_bones(wrong) or "")


def test_a_spine_that_fits_better_elsewhere_is_refused_before_anything_else():
    rows = [flag(level_ratio=0.85, stretch_mm=3.0), flag(level_ratio=0.85)]
    judged, failure = judged_together(rows, "cranial", math.nan)
    assert {row.flag for row in judged} == {"do not use"}
    assert "one level more cranial" in judged[0].reason
    assert "one level more cranial" in (failure or "")
    assert judged_together([flag(), flag()], "cranial", 1.5) == ([flag(), flag()], None)


@pytest.mark.parametrize("ratio", [0.7, 0.965])
def test_exchanged_sides_fail_the_whole_registration(ratio):
    """0.965 is that of a mirrored neck, around which the tissue is nearly symmetric."""
    judged, failure = judged_together([flag(), flag()], "cranial", ratio)
    assert {row.flag for row in judged} == {"do not use"}
    assert "exchanged" in (failure or "")


def test_a_mirrored_spine_whose_bones_do_not_fit_is_told_as_both():
    rows = [flag(stretch_mm=0.7, neighbour_disagreement_mm=1.8)] * 3
    mirrored, right = (judged_together(rows, "cranial", ratio)[1] or "" for ratio in (0.6, 1.5))
    assert "same patient, that left and right are not exchanged and that" in mirrored
    assert "same patient and that" in right


def test_sides_that_nothing_tells_leave_no_vertebra_good():
    """Right sides and exchanged ones look alike there; a bad vertebra stays bad."""
    for ratio in (0.99, 1.01):
        judged, failure = judged_together([flag(), flag(), flag(visible_share=0.1)], "cranial", ratio)
        assert [row.flag for row in judged] == ["check", "check", "do not use"]
        assert "left and right" in judged[0].reason
        assert failure is None
    assert judged_together([flag()], "cranial", 1.03) == ([flag()], None)


def test_vertebrae_that_the_mr_hardly_shows_do_not_speak_for_the_spine():
    hidden = [flag(stretch_mm=3.0, match_ratio=1.2, visible_share=0.3) for _ in range(3)]
    assert other_bones([flag(), flag(), *hidden]) is None


@pytest.mark.parametrize("indicator", FINE)
def test_what_was_not_measured_says_nothing(indicator):
    assert flag(**{indicator: math.nan}).flag == "good"


def test_nothing_measured_is_not_good():
    row = flag_vertebra("T4", 11)
    assert row.flag == "check"
    assert "measured" in row.reason


def test_the_reason_is_one_line():
    assert "18 %" in flag(visible_share=0.18).reason
    assert "\n" not in flag(visible_share=0.5, network_disagreement_mm=1, overlap_share=0.3).reason


def test_verdict():
    assert verdict([]) == "No vertebra was assessed."
    assert verdict([flag()]) == "The only vertebra is good."
    assert verdict([flag(), flag()]) == "All 2 vertebrae are good."
    found = verdict([flag(), flag(visible_share=0.5), flag(visible_share=0.1)])
    assert found == "1 of 3 vertebrae good; check L3; do not use L3."


def test_vertebrae_outside_the_mr_do_not_fail_the_registration():
    """A lumbar MR with a CT of the whole spine."""
    refused = replace(flag(), flag="do not use")
    outside = [replace(refused, visible_share=0.0)] * 7
    assert judged_together([flag(), flag(), *outside], "cranial", math.nan)[1] is None
    failure = judged_together([refused, refused, flag(), *outside], "cranial", math.nan)[1]
    assert "failed its own checks" in (failure or "")
