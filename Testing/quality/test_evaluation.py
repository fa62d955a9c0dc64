"""What `evaluate` measures, against SimpleITK's filters and plain geometry."""

import csv
import json
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr import RegistrationOptions, register
from spine_ctmr import evaluate as measure_registration
from spine_ctmr.command.main import run
from spine_ctmr.command.subcommands import subcommands
from spine_ctmr.errors import InputError
from spine_ctmr.evaluation.evaluation_files import as_markdown, write_evaluation
from spine_ctmr.evaluation.landmark_pairs import LandmarkPair
from spine_ctmr.evaluation.measure import evaluate
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.jacobian import determinant_at
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.quality.invertibility import rigid_dice
from spine_ctmr.quality.metrics import statistics
from spine_ctmr.results.reader import read_result_folder

from .conftest import CENTERS, MR_GRID, RADII, START, write_folder


def rows_of(evaluation):
    return {row.number: row for row in evaluation.vertebrae}


def test_overlap_agrees_with_itk(hand_made):
    found = rows_of(evaluate(read_result_folder(hand_made.folder), hand_made.reference))
    labels = sitk.ReadImage(str(hand_made.folder / "vertebrae_in_mr.nrrd"))
    for number in CENTERS:
        masks = [sitk.Cast(image == number, sitk.sitkUInt8) for image in (labels, hand_made.reference)]
        overlap, hausdorff = sitk.LabelOverlapMeasuresImageFilter(), sitk.HausdorffDistanceImageFilter()
        overlap.Execute(*masks)
        hausdorff.Execute(*masks)
        assert found[number].dice == pytest.approx(overlap.GetDiceCoefficient())
        assert 0.8 < found[number].dice < 0.95
        assert found[number].hd99_mm <= hausdorff.GetHausdorffDistance() + 1e-6
        assert 0.3 < found[number].mean_surface_mm < 1.6
        assert found[number].dice_before > 0.97


def test_a_reference_on_another_grid_gives_nearly_the_same(hand_made):
    turned = sitk.Euler3DTransform((0, 0, 0), 0.2, -0.3, 0.4).GetMatrix()
    grid = Grid.around(MR_GRID.corners(), 0.9, 2, turned)
    identity = sitk.Transform()
    fine = sitk.Resample(hand_made.reference, grid.empty(), identity, sitk.sitkNearestNeighbor)
    result = read_result_folder(hand_made.folder)
    wanted, found = rows_of(evaluate(result, hand_made.reference)), rows_of(evaluate(result, fine))
    for number in CENTERS:
        assert found[number].dice == pytest.approx(wanted[number].dice, abs=0.02)
        assert found[number].hd95_mm == pytest.approx(wanted[number].hd95_mm, abs=max(MR_GRID.spacing_mm))


def test_a_reference_of_bodies_alone_is_compared_with_bodies(hand_made):
    """With a long thin process behind, L4 measures what it does without: its body is 1.6 mm too high."""
    wanted = rows_of(evaluate(read_result_folder(hand_made.folder), hand_made.reference))
    found = sitk.ReadImage(str(hand_made.folder / "vertebrae_in_mr.nrrd"))
    array, away = sitk.GetArrayFromImage(found), MR_GRID.points() - CENTERS[23]
    plate = (np.abs(away[..., 0]) < 26) & (np.abs(away[..., 2]) < 3.3) & (away[..., 1] > 5)
    array[plate & (array == 0)] = 23
    sitk.WriteImage(MR_GRID.image(array), str(hand_made.folder / "vertebrae_in_mr.nrrd"))
    measured = evaluate(read_result_folder(hand_made.folder), hand_made.reference)
    assert len(measured.notes) == 1
    assert "L4 are of the vertebral bodies alone" in measured.notes[0]
    assert measured.notes[0] in as_markdown(measured)
    row = rows_of(measured)[23]
    assert row.mean_surface_mm == pytest.approx(wanted[23].mean_surface_mm, abs=0.35)
    assert row.hd95_mm == pytest.approx(wanted[23].hd95_mm, abs=max(MR_GRID.spacing_mm) + 0.6)
    assert row.dice == pytest.approx(wanted[23].dice, abs=0.03)
    assert rows_of(measured)[24] == wanted[24]


def test_a_reference_of_another_part_is_not_compared(hand_made):
    result = read_result_folder(hand_made.folder)
    assert evaluate(result, hand_made.reference).notes == []
    points, numbers = MR_GRID.points(), sitk.GetArrayFromImage(hand_made.reference)
    numbers[(numbers == 23) & (points[..., 1] > CENTERS[23][1])] = 0
    found = evaluate(result, MR_GRID.image(numbers))
    assert len(found.notes) == 1
    assert "L4 hold less than 70 % of the vertebra and are not its body" in found.notes[0]
    assert np.isnan(rows_of(found)[23].dice)
    assert np.isnan(rows_of(found)[23].hd95_mm)
    assert rows_of(found)[24].dice > 0.8


@pytest.mark.slow
def test_bodies_of_the_real_case_are_compared_with_bodies(real_data, tmp_path):
    """Whole vertebrae against bodies are 8 mm apart, 39 mm at the 95th percentile."""
    folder = real_data / "STS_007"
    inputs = (folder / name for name in ("ct.nii.gz", "mr.nii.gz", "ct_labels.nii.gz"))
    bodies = folder / "mr_bodies.nii.gz"
    result = register(*inputs, mr_vertebrae=bodies, options=RegistrationOptions(quality="fast"))
    rows = rows_of(measure_registration(result, mr_vertebrae=bodies))
    for number in (23, 24):
        assert rows[number].mean_surface_mm < 2.5
        assert rows[number].hd95_mm < 8
        assert rows[number].dice > 0.8


def test_landmark_errors_are_those_of_the_written_transform(hand_made):
    """CT points true to the rigid start but for 3 mm; the field does not move, so before = after."""
    pairs = []
    for number, center in CENTERS.items():
        off = np.array([0, 3.0 * (number == 24), 0])
        ct = START.inverse.apply(center) + off
        pairs.append(LandmarkPair(f"middle {number}", ct, center))
    far = np.array([30.0, 24.0, 0.0])
    pairs.append(LandmarkPair("far", START.inverse.apply(far), far))
    found = evaluate(read_result_folder(hand_made.folder), landmarks=pairs)
    rows = rows_of(found)
    assert (rows[23].landmarks, rows[24].landmarks) == (1, 1)
    assert rows[23].tre_mm == pytest.approx(0, abs=1e-6)
    assert rows[24].tre_mm == pytest.approx(3, abs=1e-6)
    assert found.overall["tre_mm"] == pytest.approx(1, abs=1e-6)
    assert found.landmark_errors["middle 24"] == pytest.approx((3, 3), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("stretch", [1.0, 1.25, 0.8])
def test_regularity_of_a_stretch_is_analytic(tmp_path, stretch):
    found = evaluate(read_result_folder(write_folder(tmp_path / "result", stretch).folder))
    for row in found.vertebrae:
        assert row.determinant_mean == pytest.approx(stretch, abs=1e-4)
        assert row.determinant_sd == pytest.approx(0, abs=1e-4)
        assert row.volume_change_percent == pytest.approx(100 * (1 / stretch - 1), abs=1e-2)
        assert row.folding_percent == 0
        assert (row.rigid_dice == 1) == (stretch == 1)
        assert row.inverse_consistency_mm < 1e-6
    assert found.overall["folding_voxels"] == 0
    assert found.overall["sd_log_jacobian"] == pytest.approx(0, abs=1e-4)
    assert found.overall["determinant_max"] == pytest.approx(stretch, abs=1e-4)


def test_rigid_dice_of_a_stretch_is_that_of_two_ellipsoids():
    """Stretching by s about the centre: overlap with the unstretched body, counted on a fine grid."""
    grid = Grid((80, 70, 60), (0.5, 0.5, 0.5), (-20.0, -17.5, -15.0))
    points = grid.points()
    stretch = 1.3
    to_ct, to_mr = sitk.AffineTransform(3), sitk.AffineTransform(3)
    to_ct.SetMatrix(np.diag([1, 1, stretch]).ravel().tolist())
    to_mr.SetMatrix(np.diag([1, 1, 1 / stretch]).ravel().tolist())
    body = np.square(points / RADII).sum(-1) <= 1
    moved = np.square(points / (RADII * (1, 1, stretch))).sum(-1) <= 1
    wanted = 2 * np.count_nonzero(body & moved) / (np.count_nonzero(body) + np.count_nonzero(moved))
    assert wanted < 0.9
    assert rigid_dice(body, grid, to_ct, to_mr) == pytest.approx(wanted, abs=0.01)
    turn = Pose.from_rotation((0.3, 0.2, -0.5), (30.0, 5.0, -9.0))
    ends = turn.to_sitk(), turn.inverse.to_sitk()
    assert rigid_dice(body, grid, *ends) == 1


def test_determinant_between_nodes_is_that_of_the_transform_itk_applies():
    rng = np.random.default_rng(5)
    axes = sitk.Euler3DTransform((0, 0, 0), 0.3, -0.2, 0.5).GetMatrix()
    grid = Grid((9, 8, 7), (1.5, 2.0, 2.5), (3.0, -4.0, 5.0), axes)
    field = rng.normal(0, 0.4, (*grid.shape, 3))
    transform = sitk.DisplacementFieldTransform(grid.image(field))
    index = rng.integers(1, 5, (40, 3)) + rng.uniform(0.1, 0.9, (40, 3))
    points, step = grid.to_points(index), 1e-4
    columns = []
    for axis in np.eye(3) * step:
        ends = [[transform.TransformPoint((p + s * axis).tolist()) for p in points] for s in (1, -1)]
        columns.append((np.array(ends[0]) - ends[1]) / (2 * step))
    wanted = np.linalg.det(np.stack(columns, -1))
    assert np.ptp(wanted) > 0.5
    np.testing.assert_allclose(determinant_at(field, grid, points), wanted, atol=1e-3)
    assert determinant_at(field, grid, np.array([[500.0, 0, 0]])) == 1


def test_what_the_registration_measured_is_carried_on(hand_made):
    rows = rows_of(evaluate(read_result_folder(hand_made.folder)))
    assert (rows[23].flag, rows[23].mind_before, rows[23].mind_after) == ("good", 0.12, 0.06)
    assert np.isnan(rows[23].nmi_before)
    assert np.isnan(rows[24].mind_after)
    assert np.isnan(rows[23].dice)


def test_tables(hand_made):
    found = evaluate(read_result_folder(hand_made.folder), hand_made.reference)
    write_evaluation(hand_made.folder, found)
    content = json.loads((hand_made.folder / "evaluation.json").read_text())
    with (hand_made.folder / "evaluation.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["name"] for line in lines] == ["L4", "L5"]
    assert float(lines[0]["dice"]) == content["vertebrae"][0]["dice"]
    assert lines[0]["tre_mm"] == ""
    assert content["vertebrae"][0]["tre_mm"] is None
    values = [row["dice"] for row in content["vertebrae"]]
    assert content["summary"]["dice"]["mean"] == pytest.approx(np.mean(values), abs=1e-4)
    assert content["summary"]["dice"]["q1"] == pytest.approx(np.percentile(values, 25), abs=1e-4)
    text = as_markdown(found)
    assert "| DSC |" in text
    assert "TRE" not in text
    assert not list(hand_made.folder.glob("*.partial"))


def test_statistics_hold_the_quartiles():
    found = statistics([4, 1, 3, 2, 5])
    assert (found.q1, found.median, found.q3) == (2, 3, 4)


@pytest.mark.parametrize("option", ["--mr-vertebrae", "--landmarks"])
def test_a_results_own_files_are_no_truth(hand_made, option, capsys):
    own = hand_made.folder / ("vertebrae_in_mr.nrrd" if option == "--mr-vertebrae" else "evaluation.json")
    own.touch()
    before = own.read_bytes()
    words = ["evaluate", str(hand_made.folder), option, str(own)]
    assert run(words, subcommands(), [sys.executable, "-m", "spine_ctmr"]) == 2
    assert "is a part of the result and says nothing of it" in capsys.readouterr().err
    assert own.read_bytes() == before


def test_labels_that_do_not_fit_are_explained(hand_made):
    result = read_result_folder(hand_made.folder)
    other = hand_made.reference * 0 + 5
    with pytest.raises(InputError, match="no vertebra in common"):
        evaluate(result, other)
    far = sitk.Image(hand_made.reference)
    far.SetOrigin((900.0, 0.0, 0.0))
    with pytest.raises(InputError, match="do not overlap"):
        evaluate(result, far)


@pytest.mark.slow
def test_the_command(hand_made, tmp_path, capfd):
    sitk.WriteImage(hand_made.reference, str(tmp_path / "labels.nii.gz"))
    words = [
        "evaluate",
        str(hand_made.folder),
        "--mr-vertebrae",
        str(tmp_path / "labels.nii.gz"),
        "--progress",
        "none",
    ]
    worker = [sys.executable, "-m", "spine_ctmr"]
    before = {p: p.read_bytes() for p in hand_made.folder.rglob("*") if p.is_file()}
    assert run(words, subcommands(), worker) == 0
    assert "| DSC |" in capfd.readouterr().out
    assert all(path.read_bytes() == data for path, data in before.items())
    assert {p.name for p in hand_made.folder.iterdir()} >= {
        "evaluation.json",
        "evaluation.csv",
        "evaluation.md",
    }
    assert run(["evaluate", str(tmp_path / "none")], subcommands(), worker) == 2
    assert "not a folder of results" in capfd.readouterr().err
