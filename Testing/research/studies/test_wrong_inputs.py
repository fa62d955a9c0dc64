"""The study of wrong inputs: what it makes wrong is wrong, and it calls the outcome by its name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.evaluation.truth_points import PointPairs, phantom_bone
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.case import Case
from spine_ctmr.imaging.image_checks import values_at
from spine_ctmr.imaging.label_voxels import label_voxels
from spine_ctmr.options import RegistrationOptions
from spine_ctmr.phantoms.phantom import PhantomOptions, make_phantom
from spine_ctmr.research.studies.kernel import Patient, Row
from spine_ctmr.research.studies.wrong_inputs import outcome as outcomes
from spine_ctmr.research.studies.wrong_inputs.known import Known, body_axis, shifted
from spine_ctmr.research.studies.wrong_inputs.outcome import measure, outcome, own_shares
from spine_ctmr.research.studies.wrong_inputs.report import write_report
from spine_ctmr.research.studies.wrong_inputs.run import WRONG_INPUTS, chosen, run_wrong_inputs
from spine_ctmr.research.studies.wrong_inputs.wrong_images import flip_ct, scale_ct, stretched_mr
from spine_ctmr.research.studies.wrong_inputs.wrong_labels import thicker

SHIFT = np.array([4.0, -2.0, 6.0])
"""From the CT to the MR."""


@pytest.fixture
def known() -> Known:
    """Boxes of bone with a bright corner, so that left and right differ; the MR is the CT moved."""
    labels = np.zeros((44, 40, 42), np.uint8)
    for number, z in ((22, 4), (21, 17), (20, 30)):
        labels[z : z + 9, 12:28, 10:30] = number
    ct = np.where(labels > 0, 300, 40) + np.random.default_rng(1).integers(-20, 20, labels.shape)
    ct[:, :4] = -1000
    ct[labels > 0] += (np.argwhere(labels > 0)[:, 2] > 24) * 200
    grid = Grid((42, 40, 44), (2.0, 2.0, 3.0), (-40.0, -30.0, -60.0), tuple(np.eye(3).ravel()))
    mr = grid.image((900 - ct).astype(np.int16))
    mr.SetOrigin((np.array(mr.GetOrigin()) + SHIFT).tolist())
    image = grid.image(labels)
    points = {n: v.points(300) for n, v in label_voxels(image).items()}
    bone = {n: PointPairs(p + SHIFT, p) for n, p in points.items()}
    centers = {n: v.centroid_mm + SHIFT for n, v in label_voxels(image).items()}
    return Known(Case(grid.image(ct.astype(np.int16)), mr, image, centers), bone, image)


def same_voxels(known: Known) -> float:
    """Share of true pairs at which the CT and the MR show the same."""
    pairs = (
        np.concatenate([p.ct for p in known.bone.values()]),
        np.concatenate([p.mr for p in known.bone.values()]),
    )
    return float(np.mean(values_at(known.case.ct, pairs[0]) == 900 - values_at(known.case.mr, pairs[1])))


@pytest.mark.parametrize(
    "change",
    [
        lambda known: flip_ct(known, 0),
        lambda known: flip_ct(known, 2),
        lambda known: scale_ct(known, (1.05, 1.0, 1.1)),
        lambda known: stretched_mr(known, 1.1),
    ],
)
def test_the_truth_goes_with_the_images(known, change):
    assert same_voxels(known) == 1.0
    changed = change(known)
    assert same_voxels(changed) == 1.0
    moved = [
        np.abs(a.ct - b.ct).max() for a, b in zip(known.bone.values(), changed.bone.values(), strict=True)
    ]
    stretched = [
        np.abs(a.mr - b.mr).max() for a, b in zip(known.bone.values(), changed.bone.values(), strict=True)
    ]
    assert max(*moved, *stretched) > 2


def test_a_mirrored_ct_is_mirrored(known):
    axis = body_axis(known.case.ct, 0)
    turned = sitk.GetArrayFromImage(flip_ct(known, 0).case.ct)
    assert np.array_equal(np.flip(turned, 2 - axis), sitk.GetArrayFromImage(known.case.ct))


def test_shares_of_labels_on_their_own_bones(known):
    shares = own_shares(shifted(known.case.vertebrae, np.array([10.0, 0, 0])), known.bones)
    assert shares == pytest.approx(dict.fromkeys((20, 21, 22), 0.75), abs=0.01)
    assert own_shares(thicker(known, 3.0).case.vertebrae, known.bones) == dict.fromkeys((20, 21, 22), 1.0)
    assert own_shares(known.case.vertebrae, None) == {}


@pytest.mark.parametrize("wrong", WRONG_INPUTS, ids=lambda wrong: wrong.name)
def test_every_wrong_input_differs_from_the_right_one(known, wrong):
    other = replace(known, case=replace(known.case, mr=sitk.Flip(known.case.mr, (False, True, False))))
    made = wrong.make(known, other)
    if wrong.name == "control":
        assert made == known
        return
    before, after = known.case, made.case
    images = [(getattr(before, name), getattr(after, name)) for name in ("ct", "mr", "vertebrae")]
    same = [
        Grid.of(a).same_as(Grid.of(b)) and np.array_equal(*map(sitk.GetArrayViewFromImage, (a, b)))
        for a, b in images
    ]
    centers = {n: c.tolist() for n, c in (before.mr_centroids or {}).items()}
    named = {n: c.tolist() for n, c in (after.mr_centroids or {}).items()}
    boxes = wrong.name in ("other-ct", "labels-of-another", "landmarks-of-another")  # of the same boxes
    assert boxes or not all(same) or centers != named


def values(flag: str, error_mm: float | None, own_share: float = 1.0, failure: str | None = None) -> dict:
    found = {"flag": flag, "reason": "a reason", "error_mm": error_mm, "own_share": own_share}
    return {"refused": None, "failed": failure, "warnings": [], "vertebrae": {"L1": found}}


REFUSED = {"refused": "The CT is no CT; give one.", "vertebrae": {}}


@pytest.mark.parametrize(
    ("measured", "word"),
    [
        (REFUSED, outcomes.REFUSED),
        (values("good", 0.3), outcomes.HARMLESS),
        (values("check", 0.3), outcomes.HARMLESS),
        (values("good", 2.1), outcomes.ACCEPTED),
        (values("good", 0.3, own_share=0.5), outcomes.ACCEPTED),
        (values("good", None), outcomes.ACCEPTED),
        (values("check", 9.0), outcomes.DOUBTED),
        (values("do not use", 9.0, failure="It failed."), outcomes.FAILED),
    ],
)
def test_words(measured, word):
    assert outcome(measured) == word


def test_page(tmp_path):
    wrongs = chosen(["flip-both", "labels-one"])
    kept = {"flip-both": values("good", 4.0), "labels-one": REFUSED}
    rows = [Row("a", "phantom", name, "", None, measured) for name, measured in kept.items()]
    page = write_report(tmp_path, wrongs, "fast", rows).read_text()
    assert "| what is wrong | phantom, a |" in page
    assert "| refused | not registered; a sentence names the input and the mend | 1 |" in page
    assert '| accepted | a wrong vertebra is called "good" | 0 |' in page
    assert "| accepted \\* | the same, where nothing in the images tells: the report says so | 1 |" in page
    assert "| everything mirrored left to right | **accepted** \\*: 1 of 1 good, 4.0 mm |" in page
    assert "| one label for all bones | refused |" in page
    assert "The CT is no CT; give one." in page


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="'labels-lost': unknown; choose from control, "):
        chosen(["control", "labels-lost"])


def test_labels_beside_the_bones_are_refused_in_the_study(known):
    (wrong,) = chosen(["labels-left-10"])
    measured = measure((known, known), wrong, RegistrationOptions(quality="fast"))
    assert "lies beside the bones of the CT (about 10 mm to the left)" in measured["refused"]
    assert "/" not in measured["refused"]


@pytest.mark.slow
def test_study_of_a_small_patient(tmp_path):
    """Right inputs are registered, wrong ones told; what was measured is not measured again."""
    options = PhantomOptions(
        levels=(23, 24),
        mr_spacing_mm=(1.5, 2.5),
        ct_spacing_mm=(1.5, 1.5),
        margin_mm=18.0,
        truth_spacing_mm=2.0,
    )
    made = []

    def make() -> tuple[Known, Known]:
        made.append(1)
        phantom = make_phantom(61_400, options)
        small = Known(phantom.case, phantom_bone(phantom), phantom.case.vertebrae)
        return small, small

    wrongs = chosen(["control", "flip-ct", "ct-as-mr", "labels-head-6"])
    for _ in range(2):
        page = run_wrong_inputs([Patient("small", make, "phantom")], wrongs, "fast", tmp_path).read_text()
    assert made == [1]
    assert "| nothing is wrong | harmless: 2 of 2 good" in page
    assert "| CT and labels mirrored left to right | failed: 0 of 2 good" in page
    assert "| the CT, 6 mm aside, as the MR | refused |" in page
    assert "| labels 6 mm too cranial | refused |" in page
