"""The viewer's images: where they lie, what their bytes mean, and that other software reads them so."""

import numpy as np
import pytest
import SimpleITK as sitk
from report.known_spine import (
    BONE_GREY,
    BONE_HU,
    CENTERS,
    CT_END_MM,
    CT_GRID,
    MOTION,
    MR_GRID,
    RADIUS,
    SOFT_GREY,
    SOFT_HU,
    START,
    extreme_spine,
    numbers,
    padded_spine,
    short_spine,
)
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.report.viewer import nifti
from spine_ctmr.report.viewer_images import HU_RANGE, MARGIN_MM, as_bytes, spine_grid, viewer_images


@pytest.fixture(scope="module")
def images(spine):
    return images_of(spine, 1e6)


def images_of(spine, most_voxels):
    shown = spine.shown
    return viewer_images(
        shown.case, shown.deformation, shown.start, shown.determinant, shown.labels_in_mr, most_voxels
    )


def hounsfield(byte):
    low, high = HU_RANGE
    return low + byte * (high - low) / 255


def test_the_grid_runs_right_anterior_superior_along_the_axes_of_the_mr(images):
    axes = images.grid.axes
    assert [int(np.argmax(np.abs(axes[:, k]))) for k in range(3)] == [0, 1, 2]
    np.testing.assert_array_equal(np.sign(np.diag(axes)), (-1, -1, 1))
    cosines = np.abs(axes.T @ MR_GRID.axes)
    np.testing.assert_allclose(np.sort(cosines, 1), [[0, 0, 1]] * 3, atol=1e-9)


def test_the_grid_holds_the_bones_their_margin_and_nothing_beyond_the_mr(images):
    places = np.array([images.grid.to_indices(MOTION.apply(c)) for c in CENTERS.values()])
    reach = (RADIUS + MARGIN_MM) / images.grid.spacing_mm[0]
    for low, high, size in zip(places.min(0), places.max(0), images.grid.size, strict=True):
        assert low == pytest.approx(reach, abs=3.5)  # up to a slice of the MR further
        assert size - 1 - high == pytest.approx(reach, abs=3.5)
    assert np.all(MR_GRID.contains(images.grid.corners(), -0.5))


def test_more_voxels_are_finer_and_none_are_beyond_the_limit(spine):
    labels = spine.shown.labels_in_mr
    few, many = spine_grid(labels, 2e4), spine_grid(labels, 1e7)
    assert 1e4 < np.prod(few.size) < 2.3e4
    assert many.spacing_mm[0] == pytest.approx(0.8)


def test_without_vertebrae_the_whole_mr_is_shown(spine):
    grid = spine_grid(MR_GRID.image(np.zeros(MR_GRID.shape, np.uint8)), 1e5)
    assert grid.contains(MR_GRID.to_points((np.array(MR_GRID.size) - 1) / 2))
    size_mm = np.sort(np.multiply(MR_GRID.size, MR_GRID.spacing_mm))
    np.testing.assert_allclose(np.sort(np.multiply(grid.size, grid.spacing_mm)), size_mm, atol=3)


@pytest.mark.parametrize(
    ("image", "labels", "motion"), [("ct", "vertebrae", MOTION), ("ct_before", "vertebrae_before", START)]
)
def test_ct_and_outlines_lie_where_the_motion_puts_the_bones(images, image, labels, motion):
    wanted = numbers(images.grid, motion)
    found = getattr(images, labels)
    for number in CENTERS:
        both = np.count_nonzero((wanted == number) & (found == number))
        assert 2 * both / (np.count_nonzero(wanted == number) + np.count_nonzero(found == number)) > 0.91
    distance = np.min(
        [np.linalg.norm(images.grid.points() - motion.apply(c), axis=-1) for c in CENTERS.values()], 0
    )
    ct = hounsfield(getattr(images, image).astype(float))
    assert np.abs(ct[distance < 5] - BONE_HU).max() <= 2.6
    soft = ct[(distance > 11) & (distance < 14)]
    assert np.median(soft) == pytest.approx(SOFT_HU, abs=2.6)


@pytest.mark.parametrize(("image", "motion"), [("ct", MOTION), ("ct_before", START)])
@pytest.mark.parametrize("padding", [None, -1024, -3024])
def test_where_the_ct_shows_nothing_it_has_a_byte_of_its_own(spine, image, motion, padding):
    images = images_of(short_spine(spine) if padding is None else padded_spine(spine, padding), 1e5)
    in_ct = motion.inverse.apply(images.grid.points())
    beyond, values = in_ct[..., 2] - CT_END_MM, getattr(images, image)
    assert np.unique(values[beyond > 1.5]).tolist() == [0]
    assert values[CT_GRID.contains(in_ct, 0.1) & (beyond < -1.5)].min() > 0


def test_air_is_no_lack_of_a_ct(spine):
    images = images_of(extreme_spine(spine), 1e5)
    scanned = CT_GRID.contains(MOTION.inverse.apply(images.grid.points()), 0.1)
    assert images.ct[scanned].min() == 1


def test_the_mr_is_grey_as_in_the_report(images):
    wanted = numbers(images.grid, MOTION)
    assert np.median(images.mr[wanted == 23]) < 3
    assert np.median(images.mr[wanted == 0]) > 252
    assert BONE_GREY < SOFT_GREY


def test_volume_change_is_a_logarithm_with_a_clear_middle(images):
    high = images.grid.points()[..., 2] - MOTION.apply(CENTERS[23])[2]
    assert np.unique(images.volume_change[high < -4]).tolist() == [128]
    assert np.median(images.volume_change[high > 4]) == pytest.approx(128 + 127 / 2, abs=1)


def test_folds_have_a_byte_of_their_own(spine):
    images = images_of(extreme_spine(spine), 1e5)
    high = images.grid.points()[..., 2] - MOTION.apply(CENTERS[23])[2]
    for part, byte in (high > 14, 255), (np.abs(high) < 5, 1), (high < -18, 0):
        assert np.unique(images.volume_change[part]).tolist() == [byte]


def test_bytes_keep_their_ends_and_round():
    values = np.array([-5.0, 0.0, 0.49, 0.51, 10.0, 99.0])
    assert as_bytes(values.copy(), (0.0, 10.0)).tolist() == [0, 0, 12, 13, 255, 255]
    assert np.unique(as_bytes(np.linspace(0, 1, 999), (0.0, 1.0), 65)).size == 65


def test_other_software_reads_the_nifti_file_at_the_same_place(images, tmp_path):
    (tmp_path / "mr.nii").write_bytes(nifti(images.mr, images.grid))
    read = sitk.ReadImage(str(tmp_path / "mr.nii"))
    assert Grid.of(read).same_as(images.grid)
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(read), images.mr)
