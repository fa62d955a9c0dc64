"""Labels beside their bones are told from right ones, also from those that are too thick or too thin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import SimpleITK as sitk
from gears import slow_fixture
from scipy import ndimage
from spine_ctmr.errors import InputError
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.label_edges import check_mirrored
from spine_ctmr.imaging.label_offsets import check_on_bone, in_words, label_fits
from spine_ctmr.imaging.label_voxels import label_voxels
from spine_ctmr.imaging.reading import read_image
from spine_ctmr.imaging.segmentation import read_vertebrae


def changed(labels: sitk.Image, change) -> sitk.Image:
    result = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(labels)))
    result.CopyInformation(labels)
    return result


def moved(labels: sitk.Image, voxels: Sequence[int], numbers: Sequence[int] = (20, 21, 22)) -> sitk.Image:
    """Some labels moved by voxels (z, y, x)."""

    def change(array):
        kept = np.where(np.isin(array, numbers), 0, array)
        there = np.roll(np.where(np.isin(array, numbers), array, 0), voxels, (0, 1, 2))
        return np.where(there > 0, there, kept).astype(np.uint8)

    return changed(labels, change)


def test_right_labels(patient):
    assert check_on_bone(patient.labels, patient.ct, "seg.nii") == ()


@pytest.mark.parametrize(
    ("voxels", "words"),
    [
        ((0, 0, 3), "to the left"),
        ((0, 0, -2), "to the right"),
        ((0, 3, 0), "to the back"),
        ((2, 0, 0), "to the head"),
        ((-3, 1, 0), "to the feet"),
    ],
)
def test_labels_beside_the_bones_are_refused_with_the_way(patient, voxels, words):
    with pytest.raises(InputError) as refused:
        check_on_bone(moved(patient.labels, voxels), patient.ct, "seg.nii")
    assert words in str(refused.value)
    fits = label_fits(moved(patient.labels, voxels), patient.ct)
    truth = np.array(voxels[::-1]) * patient.ct.GetSpacing()
    voxel = np.array(patient.ct.GetSpacing())
    assert [bool(np.all(np.abs(fit.offset_mm - truth) <= voxel)) for fit in fits.values()] == [True] * 3


def test_one_label_beside_its_bone_is_told(patient):
    (warning,) = check_on_bone(moved(patient.labels, (0, 3, 0), [21]), patient.ct, "seg.nii")
    assert warning == "seg.nii: L2 lies about 6 mm to the back of its bone in the CT; correct its label."


@pytest.mark.parametrize("change", [ndimage.grey_dilation, ndimage.grey_erosion])
def test_thick_and_thin_labels_are_on_their_bones(patient, change):
    other = changed(patient.labels, lambda array: change(array, size=3))
    assert all(fit.is_right for fit in label_fits(other, patient.ct).values())
    check_mirrored(other, label_voxels(other), patient.ct, "seg.nii")


def test_labels_where_there_is_no_bone(patient):
    soft = changed(patient.ct, lambda array: np.where(array > 150, 40, array).astype(np.int16))
    (warning,) = check_on_bone(patient.labels, soft, "seg.nii")
    assert "the outline of L1, L2, L3 does not follow the bone" in warning


def test_what_lies_outside_the_ct_is_not_judged(patient):
    ct = sitk.Crop(patient.ct, (0, 0, 0), (0, 0, 14))
    fits = label_fits(patient.labels, ct)
    assert np.isnan(fits[20].follows)
    assert all(fit.is_right for fit in fits.values())


def around_themselves(labels: sitk.Image, axis: int, degrees: float, shift_mm: Sequence[float] = (0, 0, 0)):
    """Every label turned about its centre along an LPS axis, and moved."""
    array = np.zeros(sitk.GetArrayViewFromImage(labels).shape, np.uint8)
    for number, voxels in label_voxels(labels).items():
        turn = np.zeros(3)
        turn[axis] = np.radians(degrees)
        pose = Pose.from_rotation(turn, np.asarray(shift_mm, float), voxels.centroid_mm)
        moved = sitk.Resample(labels == number, labels, pose.inverse.to_sitk(), sitk.sitkNearestNeighbor, 0.0)
        array[(sitk.GetArrayViewFromImage(moved) > 0) & (array == 0)] = number
    return changed(labels, lambda _: array)


@pytest.fixture(scope="module")
@slow_fixture
def lumbar(real_data) -> tuple[sitk.Image, sitk.Image]:
    """CT of real anatomy, and labels of two of its vertebrae."""
    folder = real_data / "elastic" / "lumbar_T1"
    labels = read_vertebrae(folder / "ct_labels.nii.gz").image
    two = changed(labels, lambda array: np.where(np.isin(array, (21, 23)), array, 0).astype(np.uint8))
    return read_image(folder / "ct.nii.gz"), two


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_turned_labels_of_real_anatomy_are_told_with_how_far(lumbar, axis):
    ct, labels = lumbar
    pose = Pose.from_rotation(np.radians(15) * np.eye(3)[axis], np.zeros(3), np.zeros(3))
    turned = around_themselves(labels, axis, 15)
    for number, voxels in label_voxels(labels).items():
        points = voxels.points(2000) - voxels.centroid_mm
        truth = np.linalg.norm(pose.apply(points) - points, axis=1).mean()
        assert label_fits(turned, ct)[number].distance_mm == pytest.approx(truth, abs=1.0)


@pytest.mark.parametrize("shift_mm", [(3, 0, 0), (0, -3, 0), (0, 0, 3)])
def test_labels_moved_by_3_mm_are_told(lumbar, shift_mm):
    ct, labels = lumbar
    fits = label_fits(around_themselves(labels, 0, 0, shift_mm), ct)
    assert [fit.distance_mm for fit in fits.values()] == pytest.approx([3.0] * 2, abs=1.0)


def test_turned_labels_are_warned_of(lumbar):
    (warning,) = check_on_bone(around_themselves(lumbar[1], 2, 10), lumbar[0], "seg.nii")
    assert warning.startswith("seg.nii: not placed as the bones of the CT: L2, L4 (turned or moved by about ")


@pytest.mark.parametrize("by_mm", [-2.0, -1.0, 0.0, 1.0, 3.0])
def test_right_labels_of_real_anatomy_lie_as_their_bones(lumbar, by_mm):
    ct, labels = lumbar
    distances = [sitk.SignedMaurerDistanceMap(labels == n, False, False, True) for n in (21, 23)]
    upper, lower = (sitk.GetArrayFromImage(distance) <= by_mm for distance in distances)
    other = changed(labels, lambda _: np.where(upper, 21, np.where(lower, 23, 0)).astype(np.uint8))
    assert check_on_bone(other, ct, "seg.nii") == ()


def test_labels_with_large_voxels_lie_as_their_bones(lumbar):
    ct, labels = lumbar
    size = [int(n * spacing / 3) for n, spacing in zip(labels.GetSize(), labels.GetSpacing(), strict=True)]
    grid = (sitk.Transform(), sitk.sitkNearestNeighbor, labels.GetOrigin(), (3.0,) * 3, labels.GetDirection())
    assert check_on_bone(sitk.Resample(labels, size, *grid), ct, "seg.nii") == ()


def test_ways():
    assert in_words(np.array([-3.2, 1.0, 2.0])) == "about 3 mm to the right"
    assert in_words(np.array([0.0, -4.0, 2.0])) == "about 4 mm to the front"


@pytest.mark.slow
def test_thin_labels_of_real_anatomy_are_not_taken_for_mirrored(real_data):
    """Outside of a thin label lies the cortex, which is brighter than what is inside."""
    folder = real_data / "elastic" / "lumbar_T1"
    ct, labels = read_image(folder / "ct.nii.gz"), read_vertebrae(folder / "ct_labels.nii.gz").image
    thin = changed(labels, lambda array: ndimage.grey_erosion(array, size=5))
    check_mirrored(thin, label_voxels(thin), ct, "seg.nii")
    assert check_on_bone(thin, ct, "seg.nii") == ()
