"""The time that making patients will take is told after the first ones."""

from __future__ import annotations

import pytest
from spine_ctmr.command import foretelling
from spine_ctmr.command.foretelling import Foretelling

STAGE = "Making synthetic patients"


@pytest.fixture
def clock(monkeypatch):
    """A clock that is turned by hand."""
    now = [100.0]
    monkeypatch.setattr(foretelling.time, "monotonic", lambda: now[0])
    return now


def told_of(clock, seconds: list[float], pairs: int) -> tuple[list[str], list[tuple[str, float]]]:
    told, heard = [], []
    report = Foretelling(lambda *words: heard.append(words), "Making synthetic", told.append)
    for done, took in enumerate(seconds, 1):
        clock[0] += took
        report(STAGE, done / pairs)
    report("training", 0.5)
    return told, heard


def test_the_time_is_that_of_the_first_pairs_times_those_left(clock):
    told, heard = told_of(clock, [30.0, 20.0, 500.0], 100)
    assert told == [f"{STAGE} will take about 41 minutes; they are kept and made only once."]
    assert [share for stage, share in heard if stage == STAGE] == [0.01, 0.02, 0.03]


def test_pairs_that_are_there_already_do_not_count(clock):
    """Of 336 pairs, 7 were kept; each of the others takes 32 s."""
    told, _ = told_of(clock, [0.01] * 7 + [32.0] * 3, 336)
    assert told == [f"{STAGE} will take about 2.9 hours; they are kept and made only once."]


def test_nothing_is_said_of_what_is_soon_done(clock):
    assert told_of(clock, [2.0] * 8, 8)[0] == []
    assert told_of(clock, [0.0] * 300, 300)[0] == []


@pytest.mark.parametrize(
    ("seconds", "words"), [(41, "50 seconds"), (95, "2 minutes"), (7200, "2.0 hours"), (80_000, "22 hours")]
)
def test_times_are_told_as_people_say_them(seconds, words):
    assert foretelling._in_words(seconds) == words
