"""A bent spine is found from bad starts, and what the network adds is counted rightly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from gears import slow_fixture
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.case import Case
from spine_ctmr.phantoms.anatomy import make_anatomy
from spine_ctmr.phantoms.mechanics.posture import random_posture
from spine_ctmr.phantoms.motion import MotionOptions
from spine_ctmr.phantoms.phantom import Phantom, PhantomOptions, make_phantom
from spine_ctmr.research.studies import capture
from spine_ctmr.research.studies.capture import (
    Errors,
    SpinePhantom,
    measure,
    run_capture,
    spine_patients,
    summary,
    with_bad_start,
)
from spine_ctmr.research.studies.kernel import Patient

BENT = PhantomOptions(
    levels=(17, 18, 19, 20, 21, 22, 23, 24),
    mr_spacing_mm=(2.0, 2.5),
    ct_spacing_mm=(2.0, 2.5),
    margin_mm=8.0,
    truth_spacing_mm=3.0,
    motion=MotionOptions(joint_deg=(0.5, 0.5, 0.5), bend_deg=(5.0, 0.0, 0.0)),
)


@pytest.fixture(scope="module")
@slow_fixture
def bent() -> Phantom:
    return make_phantom(46, BENT)


def test_every_vertebra_of_a_bent_spine_is_found(bent: Phantom) -> None:
    """35 degrees over eight vertebrae: one rigid start leaves an end 15 mm off."""
    errors = measure(bent, with_bad_start(bent.case, 3.0, 1), with_network=True)
    assert max(errors.start) < 8.0
    assert max(errors.found) < 1.0
    assert np.mean(errors.network) < np.mean(errors.start)


def test_the_network_can_be_left_out(bent: Phantom) -> None:
    errors = measure(bent, with_bad_start(bent.case, 0.0, 1), with_network=False)
    assert errors.network == []
    assert max(errors.found) < 1.0


def test_bad_starts_are_as_bad_as_they_say(bent: Phantom) -> None:
    true, wrong = bent.case.mr_centroids or {}, with_bad_start(bent.case, 7.0, 2).mr_centroids or {}
    for number, center in true.items():
        assert np.linalg.norm(wrong[number] - center) == pytest.approx(7.0)
    assert with_bad_start(bent.case, None, 2).mr_centroids is None


def test_vertebrae_of_all_registrations_are_counted() -> None:
    errors = [Errors([4.0, 6.0], [1.0, 2.0], [0.1, 0.3]), Errors([5.0], [3.0], [8.0])]
    record = summary(errors, spine="any")
    assert record["vertebrae"] == 3
    assert record["start mm"] == 5.0
    assert record["network alone mm"] == 2.0
    assert record["found %"] == pytest.approx(66.7)
    assert (record["median mm"], record["worst mm"]) == (0.3, 8.0)


def test_a_study_registers_every_start_once_and_tells_it_by_spine(
    bent: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    def known(phantom: Phantom, case: Case, with_network: bool) -> Errors:
        centers, true = case.mr_centroids, phantom.case.mr_centroids or {}
        wrong = None if centers is None else float(np.linalg.norm(centers[20] - true[20]))
        starts.append((wrong, with_network))
        return Errors([4.0], [2.0] if with_network else [], [0.5 if with_network else 3.0])

    monkeypatch.setattr(capture, "measure", known)
    patients = [Patient(f"bent_{k}", lambda k=k: SpinePhantom(bent, k), "eight, bent") for k in range(2)]
    run_capture(patients[:1], tmp_path)
    page = run_capture(patients, tmp_path)
    assert len(starts) == 20
    assert {(round(wrong, 6) if wrong is not None else None, used) for wrong, used in starts} == {
        (wrong, used) for wrong in (0.0, 5.0, 10.0, 15.0, None) for used in (True, False)
    }
    records = json.loads((tmp_path / "capture.json").read_text())
    assert len(records) == 10
    assert [r["found %"] for r in records if r["network"] == "left out"] == [0.0] * 5
    assert records[-2] == {
        **{"spine": "eight, bent", "centres": "none given", "network": "used", "vertebrae": 2},
        **{"start mm": 4.0, "network alone mm": 2.0, "found %": 100.0, "median mm": 0.5, "worst mm": 0.5},
    }
    assert "| eight, bent | wrong by 5 mm | left out | 2 | 4.0 |  | 0.0 |" in page.read_text()


def test_only_the_bent_spine_turns_by_some_thirty_degrees() -> None:
    turns = {}
    for spine, (levels, posture) in capture.SPINES.items():
        found = []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            poses = random_posture(rng, make_anatomy(rng, levels), posture)
            turn = poses[levels[0]].inverse.rotation @ poses[levels[-1]].rotation
            found.append(np.degrees(np.arccos((np.trace(turn) - 1) / 2)))
        turns[spine] = float(np.mean(found))
    assert 25 < turns.pop("eight, bent") < 40
    assert max(turns.values()) < 25


def test_an_unknown_spine_is_refused() -> None:
    with pytest.raises(InputError, match=r"spine 'six'.*'eight, bent'"):
        spine_patients(["six"], 1)
    assert [p.name for p in spine_patients(["eight, bent"], 2)] == ["eight_bent_0", "eight_bent_1"]
