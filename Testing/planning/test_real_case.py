"""A real patient's DICOM series, registered and exported by the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from gears import slow_fixture

from .dicom_reader import registered_to_source, source_to_registered
from .validator import errors_of, require_validator


def _command(*words: object) -> None:
    line = [sys.executable, "-m", "spine_ctmr", *map(str, words), "--progress", "none"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
@slow_fixture
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of results and the exported folder."""
    case, folder = real_data / "STS_007", tmp_path_factory.mktemp("real")
    ct, mr, labels = case / "dicom" / "CT", case / "dicom" / "MR_T1", case / "ct_labels.nii.gz"
    centers = {v["name"]: v["mr_lps"] for v in json.loads((case / "centroids.json").read_text()).values()}
    (folder / "centers.json").write_text(json.dumps(centers))
    result, output = folder / "result", folder / "planning"
    known = ("--vertebrae", labels, "--mr-landmarks", folder / "centers.json")
    _command("register", ct, mr, *known, "--quality", "fast", "--output", result)
    _command("export-dicom", result, "--ct", ct, "--mr", mr, "--vertebrae", labels, "--output", output)
    return result, output


def test_registrations_are_the_stored_transforms(real: tuple[Path, Path], real_data: Path) -> None:
    result, output = real
    slices = (real_data / "STS_007" / "dicom" / "CT").iterdir()
    uids = {pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID for path in slices}
    image = sitk.ReadImage(str(result / "ct_in_mr.nrrd"))
    index = np.random.default_rng(0).uniform(0, 1, (2000, 3)) * image.GetSize()
    points = np.array([image.TransformContinuousIndexToPhysicalPoint(i) for i in index.tolist()])

    def stored(name: str) -> np.ndarray:
        transform = sitk.ReadTransform(str(result / name))
        return np.array([transform.TransformPoint(p) for p in points.tolist()])

    for name in ("mr_to_ct", "ct_to_mr"):
        data = pydicom.dcmread(output / "registration" / f"deformable_{name}.dcm")
        assert np.linalg.norm(registered_to_source(data, points) - stored(f"{name}.h5"), axis=1).max() < 0.01
    poses = sorted((result / "vertebrae").iterdir())
    assert poses
    for pose in poses:
        data = pydicom.dcmread(output / "registration" / "vertebrae" / f"{pose.stem}_ct_to_mr.dcm")
        moved = source_to_registered(data, uids, points)
        np.testing.assert_allclose(moved, stored(f"vertebrae/{pose.name}"), atol=1e-6)


def test_no_file_breaks_the_standard(real: tuple[Path, Path]) -> None:
    require_validator()
    files = sorted(real[1].rglob("*.dcm"))
    assert len(files) > 100
    assert [error for path in files for error in errors_of(path)] == []
