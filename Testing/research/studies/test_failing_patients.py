"""Patients made to fail really are sick, and nothing else about them changes."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from gears import slow_fixture
from spine_ctmr.evaluation.truth_points import phantom_bone
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.phantoms.phantom import Phantom, PhantomOptions, make_phantom
from spine_ctmr.research.studies.flags import failures, scenarios
from spine_ctmr.research.studies.flags.patients import FlagPatient

SMALL = PhantomOptions(
    levels=(22, 23, 24),
    mr_spacing_mm=(2.5, 3.0),
    ct_spacing_mm=(2.0, 2.5),
    margin_mm=8.0,
    truth_spacing_mm=3.0,
)


@pytest.fixture(scope="module")
@slow_fixture
def phantom() -> Phantom:
    return make_phantom(3, SMALL)


def _array(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image).astype(float)


def _height_mm(image: sitk.Image, changed: np.ndarray, phantom: Phantom, number: int) -> np.ndarray:
    """Heights of changed voxels in the vertebra's own frame."""
    frame = phantom.poses[number] @ phantom.anatomy.frames[phantom.anatomy.numbers.index(number)]
    points = Grid.of(image).to_points(np.argwhere(changed)[:, ::-1])
    return frame.inverse.apply(points)


def test_a_fracture_changes_the_front_of_one_body_and_nothing_else(phantom: Phantom) -> None:
    case = failures.with_fracture(phantom.case, phantom, 23)
    changed = np.abs(_array(case.mr) - _array(phantom.case.mr)) > 30
    local = _height_mm(case.mr, changed, phantom, 23)
    shape = phantom.anatomy.vertebrae[1]
    assert len(local) > 50
    assert np.abs(local[:, 0]).max() < shape.width / 2 + 5
    assert np.abs(local[:, 1]).max() < shape.depth / 2 + 5
    assert local[:, 1].mean() < -1
    assert case.ct is phantom.case.ct
    front = (phantom.poses[23] @ phantom.anatomy.frames[1]).apply(
        [0.0, -0.3 * shape.depth, 0.3 * shape.height]
    )
    index = np.round(Grid.of(case.mr).to_indices(front)).astype(int)[::-1]
    assert _array(case.mr)[tuple(index)] < 0.8 * _array(phantom.case.mr)[tuple(index)]


def test_screws_are_metal_on_the_ct_and_voids_on_the_mr(phantom: Phantom) -> None:
    case = failures.with_screws(phantom.case, phantom, 23, 1)
    assert np.count_nonzero(_array(case.ct) > 3000) > 20
    labels = sitk.Resample(case.vertebrae, case.ct, sitk.Transform(), sitk.sitkNearestNeighbor)
    metal = _array(case.ct) > 3000
    assert (_array(labels)[metal] == 23).mean() > 0.4
    assert ((_array(case.mr) < 5) & (_array(phantom.case.mr) > 100)).sum() > 20


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_a_cut_mr_shows_that_share_of_the_vertebra(phantom: Phantom, share: float) -> None:
    case = failures.with_cut_mr(phantom, 24, share)
    voxels = np.argwhere(_array(case.vertebrae) == 24)[:, ::-1]
    points = phantom.poses[24].apply(Grid.of(case.vertebrae).to_points(voxels))
    assert Grid.of(case.mr).contains(points).mean() == pytest.approx(share, abs=0.2)


def test_half_a_label_and_wrong_names(phantom: Phantom) -> None:
    before, case = phantom.case, failures.with_half_label(phantom.case, phantom, 22, 0)
    counts = [np.count_nonzero(_array(c.vertebrae) == 22) for c in (before, case)]
    assert counts[1] == pytest.approx(counts[0] / 2, rel=0.02)
    centers = before.mr_centroids or {}
    off = failures.one_level_off(before, 1).mr_centroids or {}
    assert sorted(off) == [23, 24]
    np.testing.assert_array_equal(off[23], centers[22])
    wrong = failures.with_wrong_center(before, 23, 20.0, 5).mr_centroids or {}
    assert np.linalg.norm(wrong[23] - centers[23]) == pytest.approx(20)
    np.testing.assert_array_equal(wrong[22], centers[22])


def test_a_black_slice_is_one_slice_of_the_mr(phantom: Phantom) -> None:
    case = failures.with_black_slice(phantom.case)
    changed = np.flatnonzero((_array(case.mr) != _array(phantom.case.mr)).any((1, 2)))
    assert changed.tolist() == [len(_array(case.mr)) // 2]
    assert not _array(case.mr)[changed].any()


def test_scenarios_of_a_patient(phantom: Phantom) -> None:
    patient = FlagPatient(3, "lumbar", "T1", phantom.case, phantom_bone(phantom), phantom)
    made = [list(scenarios.scenarios(patient, turn, lambda: patient)) for turn in range(6)]
    names = {scenario.name for each in made for scenario in each}
    assert {each[0].name for each in made} == {scenarios.OWN}
    assert {each[1].name for each in made} == {scenarios.SICK}
    assert names - {scenarios.OWN, scenarios.SICK} == {name for turn in scenarios.TURNS for name in turn}
    mirrored = next(s for each in made for s in each if s.name == scenarios.MIRRORED)
    assert mirrored.bone is not None
    for number, pairs in mirrored.bone.items():
        index = np.round(Grid.of(mirrored.case.vertebrae).to_indices(pairs.ct)).astype(int)
        assert (sitk.GetArrayFromImage(mirrored.case.vertebrae)[tuple(index.T[::-1])] == number).all()
        assert np.linalg.norm(pairs.ct - patient.bone[number].ct, axis=1).max() > 5
