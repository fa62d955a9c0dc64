"""Real CTs as patients: their grey values where the CT shows them, and the tissues that those stand for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from gears import slow_fixture
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.phantoms.anatomy import Anatomy, make_anatomy
from spine_ctmr.phantoms.rendering import render, render_ct
from spine_ctmr.phantoms.scanned_anatomy import scanned_anatomy
from spine_ctmr.phantoms.segmented_spines import SegmentedSpines, label_maps
from spine_ctmr.phantoms.tissue import INDEX, TISSUES, ct_contrast

LEVELS = (22, 23, 24)
NOISE_HU = 12.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A noisy CT of a painted patient and its labels, on oblique voxels, as if it were a real one."""
    painted = make_anatomy(np.random.default_rng(2), LEVELS)
    low, high = painted.centers.min(0) - [52, 26, 32], painted.centers.max(0) + np.array([52, 72, 26])
    grid = Grid.around([low, high], 2.0)
    points = torch.tensor(grid.points().reshape(-1, 3), dtype=torch.float32)
    values, labels = render_ct(painted, points, ct_contrast(np.random.default_rng(3)), 2.0)
    noisy = values.numpy() + np.random.default_rng(4).normal(0, NOISE_HU, len(values))
    path = tmp_path_factory.mktemp("anatomy") / "someone"
    path.mkdir()
    arrays = {"ct": noisy.astype(np.int16), "ct_labels": labels.numpy()}
    for name, array in arrays.items():
        image = sitk.PermuteAxes(grid.image(array.reshape(grid.shape)), [2, 0, 1])
        sitk.WriteImage(image, str(path / f"{name}.nii.gz"))
    return path


@pytest.fixture(scope="module")
@slow_fixture
def patient(folder: Path) -> Anatomy:
    return scanned_anatomy(folder / "ct.nii.gz", folder / "ct_labels.nii.gz")


def voxels(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """LPS places, HU and vertebra numbers of all voxels."""
    ct, labels = (sitk.ReadImage(str(folder / f"{name}.nii.gz")) for name in ("ct", "ct_labels"))
    return Grid.of(ct).points().reshape(-1, 3), *(sitk.GetArrayFromImage(i).ravel() for i in (ct, labels))


def shares(patient: Anatomy, points: np.ndarray, *names: str) -> np.ndarray:
    """Share of some tissues together at points."""
    table = torch.zeros(len(TISSUES), 1)
    table[[INDEX[name] for name in names]] = 1
    return render(patient, torch.tensor(points, dtype=torch.float32), table)[0][:, 0].numpy()


def test_the_ct_shows_its_own_grey_values_and_nothing_beyond(folder: Path, patient: Anatomy) -> None:
    points, hounsfield, _ = voxels(folder)
    some = np.random.default_rng(0).choice(len(points), 3000, replace=False)
    shown, _ = render_ct(patient, torch.tensor(points[some], dtype=torch.float32), np.zeros(len(TISSUES)))
    shown = shown.numpy()
    inside = shown > -1024
    assert inside.mean() > 0.9
    np.testing.assert_allclose(shown[inside], hounsfield[some][inside], atol=0.6)
    beyond = torch.tensor([points.max(0) + 5, points.min(0) - 5], dtype=torch.float32)
    assert (render_ct(patient, beyond, np.zeros(len(TISSUES)))[0] == -1024).all()


def test_vertebrae_are_those_of_the_labels(folder: Path, patient: Anatomy) -> None:
    points, _, labels = voxels(folder)
    some = np.random.default_rng(1).choice(len(points), 60_000, replace=False)
    found = render(patient, torch.tensor(points[some], dtype=torch.float32), torch.zeros(len(TISSUES), 1))[1]
    agree = (found.numpy() == labels[some])[labels[some] > 0]
    assert patient.numbers == LEVELS
    assert agree.mean() > 0.9


def test_tissues_are_told_by_grey_values_labels_and_place(folder: Path, patient: Anatomy) -> None:
    points, hounsfield, labels = voxels(folder)
    bone = points[labels > 0]
    assert shares(patient, bone, "marrow", "cortex").mean() > 0.9
    dense = points[(labels > 0) & (hounsfield > 650)]
    spongy = points[(labels > 0) & (hounsfield < 150)]
    assert shares(patient, dense, "cortex").mean() > shares(patient, spongy, "cortex").mean() + 0.4
    frames = patient.frames
    discs = np.array([(a.translation_mm + b.translation_mm) / 2 for a, b in pairwise(frames)])
    assert (shares(patient, discs, "annulus", "nucleus") > 0.8).all()
    canal = np.array([f.apply(v.canal_center) for f, v in zip(frames, patient.vertebrae, strict=True)])
    assert (shares(patient, canal, "csf", "cord", "epidural fat") > 0.5).all()


def test_a_scaled_patient_is_larger_in_every_way(folder: Path, patient: Anatomy) -> None:
    larger = scanned_anatomy(folder / "ct.nii.gz", folder / "ct_labels.nii.gz", 1.1)
    ratio = np.linalg.norm(larger.centers[0] - larger.centers[2]) / np.linalg.norm(
        patient.centers[0] - patient.centers[2]
    )
    assert ratio == pytest.approx(1.1, abs=0.01)
    center = torch.tensor(patient.centers[1:2], dtype=torch.float32)
    same = render_ct(patient, center, np.zeros(len(TISSUES)))[0]
    assert render_ct(larger, 1.1 * center, np.zeros(len(TISSUES)))[0] == pytest.approx(float(same), abs=20)


@pytest.mark.slow
def test_a_folder_may_hold_label_maps_and_patients_with_a_ct(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes((folder / "ct_labels.nii.gz").read_bytes())
    (tmp_path / "b").symlink_to(folder)
    spines = label_maps(tmp_path)
    assert [spine.ct is None for spine in spines] == [True, False]
    scanned, middle = SegmentedSpines(spines[1:])(np.random.default_rng(0), 100.0)
    assert scanned.scan is not None
    assert 0 <= middle < len(scanned.vertebrae)
    assert SegmentedSpines(spines[:1])(np.random.default_rng(0), 100.0)[0].scan is None


def test_a_patient_without_ct_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "ct_labels.nii.gz").write_bytes((folder / "ct_labels.nii.gz").read_bytes())
    with pytest.raises(InputError, match="holds no 'ct'; give CT and labels"):
        label_maps(tmp_path)
