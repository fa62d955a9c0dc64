"""The Python face on the same patient as the command: the same answer, without a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import spine_ctmr
import torch
from gears import slow_fixture
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.grid import Grid

from .conftest import Registered

FAST = spine_ctmr.RegistrationOptions(quality="fast", threads=1)


@pytest.fixture(scope="module")
@slow_fixture
def held(registered: Registered) -> spine_ctmr.Registration:
    """From images and points in memory, with one thread."""
    images = [sitk.ReadImage(registered.inputs / n) for n in ("ct.nii.gz", "mr.nrrd", "labels.mha")]
    points = json.loads((registered.inputs / "landmarks.json").read_text())
    before = [sitk.Hash(image) for image in images]
    threads = torch.get_num_threads(), sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    registration = spine_ctmr.register(*images, points, options=FAST)
    assert threads == (torch.get_num_threads(), sitk.ProcessObject.GetGlobalDefaultNumberOfThreads())
    assert [sitk.Hash(image) for image in images] == before
    return registration


@pytest.fixture(scope="module")
def read(registered: Registered) -> spine_ctmr.StoredRegistration:
    return spine_ctmr.read_result(registered.output)


def voxels(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


def test_poses_and_flags_are_those_of_the_command(
    held: spine_ctmr.Registration, read: spine_ctmr.StoredRegistration
) -> None:
    assert list(held.poses) == list(read.poses) == ["L3", "L4", "L5"]
    for name, pose in held.poses.items():
        np.testing.assert_allclose(pose.matrix, read.poses[name].matrix, atol=1e-3)
    assert held.flags == read.flags
    assert held.failure is None
    assert read.failure is None
    assert list(held.notes) == list(read.notes)
    assert [row.reason for row in held.quality] == [row.reason for row in read.quality]


def test_images_are_those_of_the_command(
    held: spine_ctmr.Registration, read: spine_ctmr.StoredRegistration
) -> None:
    for name in ("ct_in_mr", "mr_in_ct", "vertebrae_in_mr", "jacobian"):
        one, other = getattr(held, name), getattr(read, name)
        assert Grid.of(one).same_as(Grid.of(other))
        assert one.GetPixelID() == other.GetPixelID()
        assert np.mean(np.abs(voxels(one) - voxels(other).astype(float)) > 2) < 0.01, name


def test_transforms_undo_each_other_and_move_bone_with_its_pose(
    held: spine_ctmr.Registration, registered: Registered
) -> None:
    labels = registered.phantom.case.vertebrae
    bone = Grid.of(labels).to_points(np.argwhere(voxels(labels) == 23)[::50, ::-1])
    with_tissue, with_bone = (spine_ctmr.move_points(held, bone, v) for v in (None, "L4"))
    np.testing.assert_allclose(with_bone, held.poses["L4"].apply(bone))
    assert np.median(np.linalg.norm(with_tissue - with_bone, axis=1)) < 0.02
    back = np.array([held.mr_to_ct.TransformPoint(p) for p in with_tissue.tolist()])
    assert np.percentile(np.linalg.norm(back - bone, axis=1), 99) < 0.01


def test_labels_of_the_ct_land_where_the_vertebrae_do(held: spine_ctmr.Registration) -> None:
    moved = voxels(spine_ctmr.move_labels(held, held.case.vertebrae))
    alone = voxels(spine_ctmr.move_labels(held, held.case.vertebrae, "L4"))
    expected = voxels(held.vertebrae_in_mr)
    for found, number in ((moved, 22), (moved, 23), (alone, 23)):
        common = np.sum((found == number) & (expected == number))
        assert 2 * common / (np.sum(found == number) + np.sum(expected == number)) > 0.97


def test_saved_folder_is_that_of_the_command(
    held: spine_ctmr.Registration, registered: Registered, tmp_path: Path
) -> None:
    held.save(tmp_path / "result")
    files = [{p.relative_to(f) for p in f.rglob("*")} for f in (tmp_path / "result", registered.output)]
    assert files[0] == files[1]
    assert [p.name for p in tmp_path.iterdir()] == ["result"]
    with pytest.raises(InputError, match="not empty"):
        held.save(tmp_path / "result")
    again = spine_ctmr.read_result(tmp_path / "result")
    for name, pose in held.poses.items():
        np.testing.assert_allclose(again.poses[name].matrix, pose.matrix, atol=1e-9)
    assert again.flags == held.flags
    assert list(again.notes) == list(held.notes)


def test_evaluation_is_the_same_in_memory_and_on_disk(
    held: spine_ctmr.Registration, registered: Registered, tmp_path: Path
) -> None:
    held.save(tmp_path / "result")
    truth = held.vertebrae_in_mr
    pose = registered.phantom.poses[23]
    center = Grid.of(truth).to_points(np.argwhere(voxels(truth) == 23).mean(0)[::-1])
    pairs = {"middle of L4": (pose.inverse.apply(center), center)}
    sources = (held, spine_ctmr.read_result(tmp_path / "result"), tmp_path / "result")
    first, *others = (spine_ctmr.evaluate(source, truth, pairs) for source in sources)
    assert [row.dice for row in first.vertebrae] == pytest.approx([1, 1, 1])
    assert 0 < first.overall["tre_mm"] < 0.5
    for other in others:
        assert other.overall == pytest.approx(first.overall, abs=1e-3)
        assert [row.nmi_after for row in other.vertebrae] == pytest.approx(
            [row.nmi_after for row in first.vertebrae], abs=1e-4
        )


@pytest.mark.slow
def test_failure_is_told_and_not_raised(registered: Registered) -> None:
    centers = registered.phantom.case.mr_centroids or {}
    files = [registered.inputs / name for name in ("ct.nii.gz", "mr.nrrd", "labels.mha")]
    shifted = {"L3": centers[23], "L4": centers[24]}
    result = spine_ctmr.register(*files, mr_landmarks=shifted, options=FAST)
    assert "one level" in (result.failure or "")
    assert set(result.flags.values()) == {"do not use"}


def test_unusable_inputs_are_refused_before_anything_is_computed(registered: Registered) -> None:
    ct, mr = (registered.inputs / name for name in ("ct.nii.gz", "mr.nrrd"))
    with pytest.raises(InputError, match="given twice"):
        spine_ctmr.register(ct, ct, registered.inputs / "labels.mha")
    with pytest.raises(InputError, match="label scheme 'mine' is unknown"):
        spine_ctmr.register(ct, mr, registered.inputs / "labels.mha", label_scheme="mine")
