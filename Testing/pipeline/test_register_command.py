"""The command on a phantom patient, from files to files, compared with the truth."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.vertebra_names import vertebra_name
from spine_ctmr.phantoms.phantom import Phantom

from .conftest import Registered, command, words_for


def test_progress_never_goes_back(registered: Registered) -> None:
    fractions = [line["fraction"] for line in registered.told if "fraction" in line]
    assert len(fractions) > 10
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_every_promised_file_is_there(registered: Registered) -> None:
    names = {str(p.relative_to(registered.output)) for p in registered.output.rglob("*") if p.is_file()}
    assert names >= {
        *("mr_to_ct.h5", "ct_to_mr.h5", "ct_in_mr.nrrd", "mr_in_ct.nrrd", "vertebrae_in_mr.nrrd"),
        *("jacobian.nrrd", "quality.json", "quality.csv", "report.html", "viewer.html", "run.json"),
        *("vertebrae/L3.tfm", "vertebrae/L4.tfm", "vertebrae/L5.tfm"),
    }


def _bone_points(phantom: Phantom, number: int) -> np.ndarray:
    labels = phantom.case.vertebrae
    voxels = np.argwhere(sitk.GetArrayViewFromImage(labels) == number)[::40, ::-1]
    return Grid.of(labels).to_points(voxels)


@pytest.mark.parametrize("number", [22, 23, 24])
def test_written_transforms_find_the_bone(registered: Registered, number: int) -> None:
    points = _bone_points(registered.phantom, number)
    true = registered.phantom.poses[number].apply(points)
    for name in ("ct_to_mr.h5", f"vertebrae/{vertebra_name(number)}.tfm"):
        transform = sitk.ReadTransform(str(registered.output / name))
        moved = np.array([transform.TransformPoint(p.tolist()) for p in points])
        assert np.linalg.norm(moved - true, axis=1).mean() < 0.5
    back = sitk.ReadTransform(str(registered.output / "mr_to_ct.h5"))
    returned = np.array([back.TransformPoint(p.tolist()) for p in true])
    assert np.linalg.norm(returned - points, axis=1).mean() < 0.5


def test_points_move_opposite_to_images(registered: Registered) -> None:
    case = registered.phantom.case
    transform = sitk.ReadTransform(str(registered.output / "mr_to_ct.h5"))
    ours = sitk.ReadImage(str(registered.output / "ct_in_mr.nrrd"))
    independent = sitk.Resample(case.ct, case.mr, transform, sitk.sitkLinear, -1024.0, sitk.sitkFloat32)
    difference = sitk.GetArrayFromImage(ours) - sitk.GetArrayFromImage(independent)
    assert np.abs(difference).max() <= 0.51


def test_images_keep_their_grids_and_pixel_types(registered: Registered) -> None:
    case = registered.phantom.case
    for name, on, like in (("ct_in_mr", case.mr, case.ct), ("mr_in_ct", case.ct, case.mr)):
        image = sitk.ReadImage(str(registered.output / f"{name}.nrrd"))
        assert Grid.of(image).same_as(Grid.of(on))
        assert image.GetPixelID() == like.GetPixelID()


def test_heatmap_is_one_in_bone(registered: Registered) -> None:
    jacobian = sitk.GetArrayFromImage(sitk.ReadImage(str(registered.output / "jacobian.nrrd")))
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(registered.output / "vertebrae_in_mr.nrrd")))
    inside = np.abs(jacobian[labels > 0] - 1)
    assert np.percentile(inside, 99) < 1e-3
    assert (jacobian > 0).all()


def test_no_output_names_the_inputs(registered: Registered) -> None:
    for name in ("run.json", "quality.json", "report.html"):
        assert registered.inputs.name not in (registered.output / name).read_text()


def test_pages_and_run_say_which_case_and_when(registered: Registered) -> None:
    run = json.loads((registered.output / "run.json").read_text())
    assert run["case"] == "Study 7 of [file]"
    age = datetime.now(timezone.utc) - datetime.fromisoformat(run["date"])
    assert timedelta(0) <= age < timedelta(hours=1)
    for page in ("report.html", "viewer.html"):
        text = (registered.output / page).read_text()
        assert "<title>Study 7 of [file]: Spine CT-MR registration" in text
        assert "Jane" not in text
    assert run["date"][:10] in (registered.output / "report.html").read_text()


def test_a_second_run_does_not_replace_the_first_unasked(registered: Registered) -> None:
    before = (registered.output / "run.json").read_bytes()
    done = command(*words_for(registered.inputs, registered.output))
    assert done.returncode == 2
    assert "--overwrite" in done.stderr
    assert (registered.output / "run.json").read_bytes() == before


def test_a_level_named_wrong_is_told(registered: Registered, tmp_path: Path) -> None:
    centers = registered.phantom.case.mr_centroids or {}
    shifted = {"L3": centers[23].tolist(), "L4": centers[24].tolist()}
    (tmp_path / "landmarks.json").write_text(json.dumps(shifted))
    arguments = words_for(registered.inputs, tmp_path / "result")
    arguments[arguments.index("--mr-landmarks") + 1] = tmp_path / "landmarks.json"
    done = command(*arguments, "--quality", "fast", "--progress", "json")
    assert done.returncode == 3
    assert "one level" in done.stdout
    assert (tmp_path / "result" / "report.html").exists()
    assert "one level" in json.loads((tmp_path / "result" / "run.json").read_text())["failure"]


def test_without_landmarks_the_images_choose_the_level(registered: Registered, tmp_path: Path) -> None:
    words = words_for(registered.inputs, tmp_path / "result")
    at = words.index("--mr-landmarks")
    done = command(*words[:at], *words[at + 2 :], "--quality", "fast", "--progress", "none")
    assert done.returncode == 0, done.stderr
    quality = json.loads((tmp_path / "result" / "quality.json").read_text())
    assert quality["overall"]["start"] == "level chosen by the images"
    pose = sitk.ReadTransform(str(tmp_path / "result" / "vertebrae" / "L4.tfm"))
    points = _bone_points(registered.phantom, 23)
    moved = np.array([pose.TransformPoint(p.tolist()) for p in points])
    assert np.linalg.norm(moved - registered.phantom.poses[23].apply(points), axis=1).mean() < 0.6
