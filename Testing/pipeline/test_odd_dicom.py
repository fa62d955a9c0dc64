"""DICOM as scanners write it: the plain poses, or a sentence that says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from imaging.enhanced_dicom import write_enhanced
from pydicom.uid import generate_uid
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.imaging.read_case import ReadingOptions

from .conftest import command
from .plain import Plain, fingerprint, refused, written


def frames(
    image: sitk.Image, intercept: int
) -> tuple[np.ndarray, np.ndarray, list[float], dict[str, object]]:
    """Stored values, positions, orientation and the rest of what `write_enhanced` takes."""
    grid, values = Grid.of(image), sitk.GetArrayFromImage(image)
    positions = grid.to_points(np.c_[np.zeros((len(values), 2)), np.arange(len(values))])
    orientation = [*grid.axes[:, 0], *grid.axes[:, 1]]
    dx, dy, _ = grid.spacing_mm
    more = {"spacing": (dy, dx), "rescale": (1, intercept), "series": generate_uid()}
    return (values.astype(int) - intercept).astype(np.uint16), positions, orientation, more


def ct_frames(plain: Plain, chosen: np.ndarray, path: Path, **more: object) -> Path:
    """An enhanced CT of some of the slices, in the given order."""
    pixels, positions, orientation, options = frames(plain.case.ct, -2000)
    write_enhanced(path, pixels[chosen], positions[chosen], orientation, **{**options, **more})
    return path


def test_frames_in_disorder(plain: Plain, tmp_path: Path) -> None:
    count = plain.case.ct.GetSize()[2]
    order = np.random.default_rng(0).permutation(count)
    plain.is_found_by(plain.read(ct=ct_frames(plain, order, tmp_path / "ct" / "a.dcm")))


def test_one_stack_in_three_files(plain: Plain, tmp_path: Path) -> None:
    count, series = plain.case.ct.GetSize()[2], generate_uid()
    for part in range(3):
        ct_frames(plain, np.arange(part, count, 3), tmp_path / "ct" / f"{part}.dcm", series=series)
    plain.is_found_by(plain.read(ct=tmp_path / "ct"))


def test_every_slice_in_a_file(plain: Plain, tmp_path: Path) -> None:
    count, series = plain.case.ct.GetSize()[2], generate_uid()
    for k in range(count):
        ct_frames(plain, np.array([k]), tmp_path / "ct" / f"{count - k}", series=series)
    plain.is_found_by(plain.read(ct=tmp_path / "ct"))


def test_a_study_with_other_series_beside(plain: Plain, tmp_path: Path) -> None:
    """CT, a localiser, and two MRs of which the second is meant: the very volume that a file holds.

    DICOM is right-handed, which these sagittal slices are not in the plain file.
    """
    count = plain.case.ct.GetSize()[2]
    ct_frames(plain, np.arange(count), tmp_path / "study" / "1.dcm", description="Spine 1.0")
    ct_frames(plain, np.arange(2), tmp_path / "study" / "2.dcm", description="Topogram")
    for name in ("t1_tse_sag", "t2_tse_sag"):
        pixels, positions, orientation, more = frames(plain.case.mr, 0)
        pixels = pixels if name.startswith("t2") else pixels // 2
        options = {**more, "modality": "MR", "description": name}
        write_enhanced(tmp_path / "study" / f"{name}.dcm", pixels, positions, orientation, **options)
    study = tmp_path / "study"
    refused(plain, "choose one with --mr-series by its number or description", ct=study, mr=study)
    case = plain.read(ReadingOptions(mr_series="t2"), ct=study, mr=study)
    stored = Grid.of(plain.case.mr).image(sitk.GetArrayFromImage(plain.case.mr).astype(np.uint16))
    file = written(sitk.Flip(stored, (False, False, True)), tmp_path / "mr.nrrd")
    assert fingerprint(case) == fingerprint(plain.read(mr=file))
    assert case.about["mr_series"] == f'"t2_tse_sag" (MR, {plain.case.mr.GetSize()[2]} slices)'


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (lambda n: np.r_[0:20, 24:n], "a gap of 7.50 mm where 1.50 mm is usual"),
        (lambda n: np.r_[0:n, 10], "several slices at one position"),
        (lambda n: np.r_[0:n, 0:n], "several slices at one position"),
    ],
)
def test_frames_that_are_no_volume(plain: Plain, tmp_path: Path, chosen: Callable, words: str) -> None:
    refused(plain, words, ct=ct_frames(plain, chosen(plain.case.ct.GetSize()[2]), tmp_path / "a.dcm"))


def test_a_tilted_gantry(plain: Plain, tmp_path: Path) -> None:
    pixels, positions, orientation, more = frames(plain.case.ct, -2000)
    positions = positions + np.outer(positions[:, 2] - positions[0, 2], [0, np.tan(np.radians(8)), 0])
    write_enhanced(tmp_path / "a.dcm", pixels, positions, orientation, **more)
    refused(plain, "gantry tilt of 8.0°", ct=tmp_path / "a.dcm")


def test_no_output_says_who_the_patient_is(plain: Plain, tmp_path: Path) -> None:
    """Name, number and birth date stand in the folder's name and in the series description."""
    count = plain.case.ct.GetSize()[2]
    folder = tmp_path / "QWERTZ_Zyx_19800312"
    who = ("Qwertz^Zyx", "PAT4711")
    ct_frames(plain, np.arange(count), folder / "a.dcm", description="Spine Qwertz PAT4711", patient=who)
    files = {name: str(path) for name, path in plain.files.items()}
    words = ["register", folder / "a.dcm", files["mr"], "--vertebrae", files["vertebrae"]]
    words += ["--mr-landmarks", files["mr_landmarks"], "--output", tmp_path / "result", "--case", "Case 9"]
    done = command(*words, "--quality", "fast", "--progress", "none")
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "result" / "run.json").read_text())
    assert run["case"] == "Case 9"
    assert run["inputs"]["ct_series"].startswith('"description withheld')
    for file in (tmp_path / "result").rglob("*"):
        for word in ("qwertz", "zyx", "pat4711", "19800312"):
            assert word not in readable(file), file.name


def readable(file: Path) -> str:
    """What can be read in a file of results, in small letters: without voxels and pictures."""
    if file.suffix not in (".json", ".csv", ".html", ".tfm", ".nrrd"):
        return ""
    content = file.read_bytes()
    if file.suffix == ".nrrd":
        content = content.partition(b"\n\n")[0]
    text = re.sub(r"base64,[^\"]*", "", content.decode("utf-8").lower())
    return re.sub(r'<script type="text/plain".*?</script>', "", text, flags=re.DOTALL)
