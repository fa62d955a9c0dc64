"""Discs of the MR against those of the registered CT."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr import RegistrationOptions, register
from spine_ctmr import evaluate as measure_registration
from spine_ctmr.deformation.warping import vertebrae_in_mr
from spine_ctmr.evaluation.evaluation_files import as_csv, as_markdown, write_evaluation
from spine_ctmr.evaluation.measure import evaluate
from spine_ctmr.evaluation.result_discs import mr_values
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.quality.disc_profile import contrast, departure, symmetry_center
from spine_ctmr.quality.discs import FAINT, NO_GAP, OUTSIDE, Disc, image_values, measure_discs, offset_of
from spine_ctmr.results.reader import read_result_folder

from .conftest import MR_GRID

ALONG = np.arange(-16, 16.01, 0.2)
MARROW = np.abs(ALONG) > 6
GRID = Grid((45, 45, 85), (1.0, 1.0, 1.0), (-22.0, -22.0, -42.0))
TILT = Pose.from_rotation((0.3, -0.1, 0.0), (1.0, -2.0, 0.5))
"""From the bodies' own frame to LPS: two cylinders 27 mm high, 8 mm apart."""


def smooth_box(away, half, blur=0.8):
    return 1 / (1 + np.exp(-(half - np.abs(away)) / (blur / 2)))


DISCS = {
    "dark": lambda away: -60 * smooth_box(away, 5),
    "bright": lambda away: 80 * smooth_box(away, 4),
    "bright between dark end plates": lambda away: 60 * smooth_box(away, 3) - 50 * smooth_box(away, 5),
}


@pytest.mark.parametrize("kind", DISCS)
@pytest.mark.parametrize("middle", [-3.1, 0.0, 2.3])
def test_the_middle_of_a_disc_in_a_profile(kind, middle):
    """Whatever the sequence shows, on marrow whose level rises along the spine."""
    noise = np.random.default_rng(1).normal(0, 1.5, len(ALONG))
    values = 200 + 1.5 * ALONG + DISCS[kind](ALONG - middle) + noise
    departing = departure(values, ALONG, MARROW)
    assert symmetry_center(departing, ALONG, 8) == pytest.approx(middle, abs=0.2)
    assert contrast(departing, ALONG, MARROW, middle, 6) > 10


def test_marrow_without_a_disc_has_little_contrast():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(200):
        departing = departure(200 + rng.normal(0, 4, len(ALONG)), ALONG, MARROW)
        found.append(contrast(departing, ALONG, MARROW, symmetry_center(departing, ALONG, 8), 6))
    assert np.percentile(found, 95) < 5
    assert contrast(np.zeros(len(ALONG)), ALONG, MARROW, 0, 6) == 0


def labels(shift=(0, 0, 0), numbers=(22, 23)):
    """Two bodies along a tilted axis, moved."""
    x, y, z = np.moveaxis(TILT.inverse.apply(GRID.points() - np.array(shift)), -1, 0)
    body = (x / 20) ** 2 + (y / 15) ** 2 <= 1
    array = np.zeros(GRID.shape, np.uint8)
    array[body & (z > 4) & (z < 31)] = numbers[0]
    array[body & (z < -4) & (z > -31)] = numbers[1]
    return GRID.image(array)


def mr_of(kind, noise=3.0, ends=-60.0):
    """The MR in which both bodies are at rest; nothing below `ends`."""
    rng = np.random.default_rng(3)

    def values(points):
        along = TILT.inverse.apply(points)[..., 2]
        found = 200 + (DISCS[kind](along) if kind else 0) + rng.normal(0, noise, along.shape)
        return np.where(points[..., 2] > ends, found, np.nan)

    return values


def discs(mr, shift_mm=0.0, start=None, **others):
    """Measured with bodies found too far along their axis by `shift_mm`."""
    moved = Pose.of(np.eye(3), shift_mm * TILT.rotation[:, 2])
    start = start or Pose.identity()
    shifted = labels(moved.matrix[:3, 3], **others)
    return measure_discs(mr, shifted, lambda points: start.apply(moved.inverse.apply(points)))


@pytest.mark.parametrize("kind", DISCS)
@pytest.mark.parametrize("shift", [-3.0, 0.0, 2.0])
def test_bodies_found_too_far_along_the_spine(kind, shift):
    start = Pose.of(np.eye(3), 1.5 * TILT.rotation[:, 2])
    (disc,) = discs(mr_of(kind), shift, start)
    assert (disc.name, disc.not_told) == ("L3-L4", "")
    assert disc.offset_mm == pytest.approx(-shift, abs=0.25)
    assert disc.offset_before_mm == pytest.approx(-1.5, abs=0.25)
    assert disc.error_mm < 0.25


def test_what_is_not_told():
    (faint,) = discs(mr_of(None, noise=20))
    assert faint.not_told == FAINT
    assert faint.contrast < 5
    assert np.isnan([faint.offset_mm, faint.offset_before_mm]).all()
    assert [disc.not_told for disc in discs(mr_of("dark", ends=-5.0))] == [OUTSIDE]
    (empty,) = discs(lambda points: np.zeros(points.shape[:-1]))
    assert (empty.not_told, empty.contrast) == (FAINT, 0)


def test_the_image_itself_gives_the_same_offset():
    mr = GRID.image(mr_of("dark")(GRID.points()).astype(np.float32))
    (disc,) = measure_discs(image_values(mr), labels(1.5 * TILT.rotation[:, 2]))
    assert disc.offset_mm == pytest.approx(-1.5, abs=0.4)
    assert np.isnan(disc.offset_before_mm)


def test_a_vertebra_is_off_as_the_discs_on_both_sides_say():
    found = [Disc("L3-L4", 22, 23, offset_mm=-1.8), Disc("L4-L5", 23, 24, offset_mm=-1.0)]
    assert offset_of(found, 23) == 1
    assert offset_of([found[0], Disc("L4-L5", 23, 24, offset_mm=0.4)], 23) == 0
    assert np.isnan(offset_of(found, 22))
    assert np.isnan(offset_of([found[0], Disc("L4-L5", 23, 24, not_told=FAINT)], 23))


def test_remnants_of_bodies_have_no_gap_to_compare_with():
    x, y, z = np.moveaxis(TILT.inverse.apply(GRID.points()), -1, 0)
    slice_of_body = (np.hypot(x, y) < 15) & (np.abs(z) > 0.5) & (np.abs(z) < 2.5)
    array = np.where(slice_of_body, np.where(z > 0, 22, 23), 0).astype(np.uint8)
    found = measure_discs(mr_of("dark"), GRID.image(array))
    assert [disc.not_told for disc in found] == [NO_GAP]


def test_a_missing_vertebra_is_no_disc():
    array = sitk.GetArrayFromImage(labels())
    away = np.abs(TILT.inverse.apply(GRID.points())[..., 2])
    array[away < 12] = 0
    assert measure_discs(mr_of("dark"), GRID.image(array)) == []


def with_mr(hand_made):
    """The evaluation with two tall bodies, found 1 mm too high, and an MR with a dark disc at rest."""
    x, y, z = np.moveaxis(MR_GRID.points() - (0, 0, 1), -1, 0)
    body = (np.hypot(x, y) < 18) & (np.abs(z) > 4) & (np.abs(z) < 30)
    tall = MR_GRID.image(np.where(body, np.where(z > 0, 23, 24), 0).astype(np.uint8))
    result = replace(read_result_folder(hand_made.folder), labels_in_mr=tall)
    grid = Grid.around(result.start.inverse.apply(MR_GRID.corners()), 1.0)
    noise = np.random.default_rng(4).normal(0, 3, grid.shape)
    mr = 200 + DISCS["dark"](result.start.apply(grid.points())[..., 2]) + noise
    return evaluate(result, mr_in_ct=grid.image(mr.astype(np.float32)))


def test_tables_tell_the_discs(hand_made):
    found = with_mr(hand_made)
    (disc,) = found.discs
    assert disc.name == "L4-L5"
    assert disc.offset_mm == pytest.approx(-1, abs=0.25)
    write_evaluation(hand_made.folder, found)
    content = json.loads((hand_made.folder / "evaluation.json").read_text())
    assert content["discs"][0]["offset_mm"] == pytest.approx(disc.offset_mm, abs=1e-3)
    assert content["vertebrae"][0]["disc_offset_mm"] == content["discs"][0]["offset_mm"]
    assert content["vertebrae"][1]["disc_offset_mm"] is None
    assert "disc_offset_mm" in as_csv(found).splitlines()[0]
    assert f"| L4-L5 | {disc.offset_before_mm:+.1f} | {disc.offset_mm:+.1f} ± " in as_markdown(found)
    faint = replace(found, discs=[replace(disc, not_told=FAINT)])
    assert "| L4-L5 | – | not told: contrast too low |" in as_markdown(faint)


def test_a_result_without_its_images_says_that_discs_were_not_measured(hand_made):
    found = measure_registration(hand_made.folder)
    assert found.discs == []
    assert found.notes == ["The discs were not measured: the result has no readable mr_in_ct.nrrd."]


def registered(folder, landmarks):
    files = (folder / name for name in ("ct.nii.gz", "mr.nii.gz", "ct_labels.nii.gz"))
    return register(*files, landmarks, options=RegistrationOptions(quality="fast"))


@pytest.mark.slow
def test_real_anatomy_moved_on_purpose(real_data):
    """Known truth: a right registration has its discs in place, a shifted one is off by the shift."""
    folder = real_data / "elastic" / "lumbar_T1"
    result = registered(folder, folder / "mr_landmarks.json")
    found = measure_registration(result)
    assert [disc.not_told for disc in found.discs] == [""] * 4
    assert max(abs(disc.offset_mm) for disc in found.discs) < 0.5
    content, case = result.measured, result.case
    for shift in (-3.0, 3.0):
        moved = Pose.of(np.eye(3), (0, 0, shift))
        poses = {number: moved @ pose for number, pose in content.poses.items()}
        shifted = vertebrae_in_mr(case.vertebrae, case.mr, poses)
        for disc in measure_discs(mr_values(content, result.mr_in_ct), shifted):
            assert disc.offset_mm == pytest.approx(-shift, abs=0.5)


@pytest.mark.slow
def test_landmarks_of_the_real_case_lie_off_along_the_spine(real_data):
    """Hand-read centres are 3 mm off along the spine; after registration the discs coincide."""
    centers = {"L4": (4.42, 22.77, -568.89), "L5": (2.05, 30.99, -599.9), "S1": (0.56, 53.1, -624.43)}
    discs = measure_registration(registered(real_data / "STS_007", centers)).discs
    assert [disc.name for disc in discs] == ["L4-L5", "L5-S1"]
    for disc in discs:
        assert abs(disc.offset_mm) < 1
        assert disc.offset_before_mm > 2
