"""A registration says when the images alone chose the level and leave two."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import SimpleITK as sitk
from spine_ctmr import registration
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.options import RegistrationOptions
from spine_ctmr.vertebrae.level_check import LevelShift

from .conftest import Registered

CENTER = {9: (0.0, 0.0, 0.0)}


@pytest.mark.parametrize(("landmarks", "told"), [({}, 1), (CENTER, 0)], ids=["images alone", "landmarks"])
def test_notes_name_both_levels(monkeypatch: pytest.MonkeyPatch, landmarks: Any, told: int) -> None:
    """Everything but the sentence is left out; the MR shows T2 to T4 of T1 to T6."""
    vertebrae = {n: SimpleNamespace(visible_share=float(n in (9, 10, 11))) for n in range(8, 14)}
    start = SimpleNamespace(mr_centers=landmarks)
    found = SimpleNamespace(start=start, vertebrae=vertebrae, shift=LevelShift(-1, Pose.identity(), 1.05))
    match: Any = SimpleNamespace(poses={}, processor=None)
    monkeypatch.setattr(registration, "_place", lambda *_: (found, match))
    monkeypatch.setattr(registration, "_judged", lambda found, _: found)
    monkeypatch.setattr(registration, "length_note", lambda *_: None)
    monkeypatch.setattr(registration, "deform", lambda *_: None)
    case: Any = SimpleNamespace(warnings=(), vertebrae=None)
    notes = registration.register(case).notes
    assert sum("taken for T3 may be T4" in note for note in notes) == told


@pytest.mark.slow
@pytest.mark.parametrize("beside", [False, True])
def test_one_vertebra_alone_is_not_good_one_level_off(registered: Registered, beside: bool) -> None:
    """The middle vertebra of a patient, its landmark at its own place or at that of the next below."""
    case = registered.phantom.case
    assert case.mr_centroids is not None
    upper, number, lower = sorted(case.mr_centroids)
    labels = sitk.ChangeLabel(case.vertebrae, {upper: 0, lower: 0})
    alone = replace(
        case, vertebrae=labels, mr_centroids={number: case.mr_centroids[lower if beside else number]}
    )
    options = RegistrationOptions(quality="fast", threads=1)
    found = registration.find_poses(alone, options, lambda *_: None, [], 0)
    assert found.shift is not None
    assert found.shift.is_better == beside
    assert found.shift.direction == -1 or not beside
