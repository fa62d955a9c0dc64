"""Pairs of landmarks: read from files, inside their images, and with usual mistakes named."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr import evaluate as measure_registration
from spine_ctmr.errors import InputError
from spine_ctmr.evaluation.landmark_pairs import LandmarkPair, left_out, read_landmark_pairs
from spine_ctmr.evaluation.landmark_places import check_places, likely_mistake
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.label_checks import FLIP

from .conftest import CENTERS, START


def test_pairs_of_points_from_one_file_or_two(tmp_path):
    pairs = [
        {"name": "a", "ct": [1, 2, 3], "mr": [4, 5, 6]},
        {"name": "b", "ct_lps": [0, 0, 1], "mr_lps": [0, 1, 0]},
    ]
    (tmp_path / "pairs.json").write_text(json.dumps(pairs))
    found = read_landmark_pairs([tmp_path / "pairs.json"])
    assert [(p.name, p.ct.tolist(), p.mr.tolist()) for p in found][1] == ("b", [0, 0, 1], [0, 1, 0])
    (tmp_path / "ct.json").write_text(json.dumps({"tip": [1, 2, 3], "only here": [0, 0, 0]}))
    markup = {"coordinateSystem": "RAS", "controlPoints": [{"label": "tip", "position": [-4, -5, 6]}]}
    (tmp_path / "mr.mrk.json").write_text(json.dumps({"markups": [markup]}))
    (pair,) = read_landmark_pairs([tmp_path / "ct.json", tmp_path / "mr.mrk.json"])
    assert left_out(tmp_path / "ct.json", tmp_path / "mr.mrk.json") == (
        '"only here" have no partner and were left out.',
    )
    assert (pair.name, pair.ct.tolist(), pair.mr.tolist()) == ("tip", [1, 2, 3], [4, 5, 6])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "JSON"),
        ("[]", "list of landmark pairs"),
        ("[3]", "not a landmark pair"),
        ('[{"name": "a", "ct": [1, 2], "mr": [1, 2, 3]}]', '"a" in the CT'),
        ('[{"name": "a", "ct": [1, 2, 3]}]', '"a" in the MR'),
        (json.dumps([{"name": "a", "ct": [1, 2, 3], "mr": [1, 2, 3]}] * 2), "twice"),
    ],
)
def test_unusable_pairs_are_explained(tmp_path, text, says):
    (tmp_path / "pairs.json").write_text(text)
    with pytest.raises(InputError, match=says) as error:
        read_landmark_pairs([tmp_path / "pairs.json"])
    assert "\n" not in str(error.value)


def true_pairs():
    return {f"middle {n}": (START.inverse.apply(center), center) for n, center in CENTERS.items()}


@pytest.fixture
def with_ct(hand_made):
    """The folder of a result that tells where its CT is."""
    grid = Grid((60, 60, 80), (1.5, 1.5, 1.5), (-45.0, -40.0, -75.0))
    sitk.WriteImage(grid.image(np.zeros(grid.shape, np.float32)), str(hand_made.folder / "mr_in_ct.nrrd"))
    return hand_made.folder


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda ct, mr: (np.add(ct, (0, 900, 0)), mr), r'\("middle 23", "middle 24" in the CT\); check them'),
        (lambda ct, mr: (ct * (1, 1000, 1), mr), r'\("middle 23", "middle 24" in the CT\); check them'),
        (lambda ct, mr: (ct, np.subtract(mr, (0, 0, 60))), r'\("middle 24" in the MR\); check them'),
    ],
)
def test_landmarks_outside_their_image_are_refused(with_ct, tmp_path, change, says):
    pairs = {name: change(*both) for name, both in true_pairs().items()}
    entries = [{"name": n, "ct": list(ct), "mr": list(mr)} for n, (ct, mr) in pairs.items()]
    (tmp_path / "pairs.json").write_text(json.dumps(entries))
    for given in (pairs, tmp_path / "pairs.json"):
        with pytest.raises(InputError, match=says):
            measure_registration(with_ct, landmarks=given)


def test_landmarks_outside_the_mr_are_refused_without_a_ct(hand_made):
    pairs = {name: (ct, np.add(mr, (0, 0, 900))) for name, (ct, mr) in true_pairs().items()}
    with pytest.raises(InputError, match="in the MR"):
        measure_registration(hand_made.folder, landmarks=pairs)


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (lambda ct, mr: (mr, ct), "CT and MR exchanged"),
        (lambda ct, mr: (ct * FLIP, mr * FLIP), "x and y of all points turned"),
        (lambda ct, mr: (ct * FLIP, mr), "x and y of the CT points turned"),
        (lambda ct, mr: (ct, mr * FLIP), "x and y of the MR points turned"),
    ],
)
def test_a_usual_mistake_is_named(change, mistake):
    """By where the images are, and where both points stay inside, by how far the pairs are apart."""
    ct_grid, mr_grid = Grid((9, 9, 9), (5, 5, 5), (50, 50, 50)), Grid((9, 9, 9), (5, 5, 5), (150, 50, 70))
    places = np.array([[60.0, 60, 60], [80, 75, 70]])
    away = np.array([100.0, 0, 20])
    pairs = [LandmarkPair(str(n), *change(ct, ct + away)) for n, ct in enumerate(places)]
    with pytest.raises(InputError, match=f"lie inside with {mistake}"):
        check_places(pairs, ct_grid, mr_grid)
    (note,) = likely_mistake(pairs, sitk.TranslationTransform(3, (-away).tolist()))
    assert f"fit better with {mistake}" in note
    assert "(0.0 mm apart on average instead of" in note


def test_exchanged_landmarks_inside_both_images_are_noted(with_ct):
    pairs = true_pairs()
    assert measure_registration(with_ct, landmarks=pairs).notes == []
    pairs = {name: (mr, ct) for name, (ct, mr) in pairs.items()}
    (note,) = measure_registration(with_ct, landmarks=pairs).notes
    assert "fit better with CT and MR exchanged" in note


def test_landmarks_that_a_registration_misses_are_no_mistake(with_ct):
    """A registration that is a level off is measured as it is."""
    pairs = {name: (np.add(ct, (0, 0, 30)), mr) for name, (ct, mr) in true_pairs().items()}
    found = measure_registration(with_ct, landmarks=pairs)
    assert found.notes == []
    assert found.overall["tre_mm"] == pytest.approx(30)
