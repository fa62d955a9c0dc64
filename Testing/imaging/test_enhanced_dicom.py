"""Enhanced multi-frame DICOM gets the same checks as a series with one file per slice."""

import numpy as np
import pytest
import SimpleITK as sitk
from imaging.enhanced_dicom import write_enhanced
from pydicom.uid import generate_uid
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.reading import read_image

ROW, COLUMN = np.array([0.8, 0.6, 0.0]), np.array([0.0, 0.0, -1.0])
NORMAL = np.cross(ROW, COLUMN)
ORIENTATION = [*ROW, *COLUMN]
FIRST = np.array([10.0, 20.0, 30.0])


def stack(count=7, seed=0):
    """Stored values (frames, y, x) and their positions, 2 mm apart along the normal."""
    pixels = np.random.default_rng(seed).integers(0, 3000, (count, 5, 4))
    return pixels, FIRST + 2.0 * np.arange(count)[:, None] * NORMAL


def fails(path, *words):
    with pytest.raises(InputError) as error:
        read_image(path)
    for word in words:
        assert word in str(error.value), error.value
    assert "Doe" not in str(error.value)
    assert str(error.value).endswith(".")


def in_place(image, values):
    """Values (z, y, x) at the true places, whatever the order of the frames was."""
    np.testing.assert_allclose(image.GetSpacing(), (0.5, 0.7, 2.0), atol=1e-5)
    np.testing.assert_allclose(sitk.GetArrayFromImage(image), values, atol=1e-3)
    for x, y, z in ((0, 0, 0), (3, 4, len(values) - 1)):
        truth = FIRST + x * 0.5 * ROW + y * 0.7 * COLUMN + z * 2.0 * NORMAL
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((x, y, z)), truth, atol=1e-4)


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [3, 0, 6, 1, 5, 2, 4]])
@pytest.mark.parametrize("shared", [False, True])
def test_frames_in_any_order(tmp_path, order, shared):
    pixels, positions = stack()
    path = tmp_path / "a" / "IM0"
    write_enhanced(path, pixels[order], positions[order], ORIENTATION, rescale=(1, -1024), shared=shared)
    in_place(read_image(tmp_path / "a"), pixels - 1024)
    in_place(read_image(path), pixels - 1024)


def test_rescale_of_every_frame(tmp_path):
    pixels, positions = stack()
    rescales = [(slope, 10 * i - 1000) for i, slope in enumerate([1, 2, 0.5, 1, 0.25, 3, 1])]
    write_enhanced(tmp_path / "a.dcm", pixels, positions, ORIENTATION, rescale=rescales)
    slopes, intercepts = np.array(rescales).T.reshape(2, -1, 1, 1)
    in_place(read_image(tmp_path / "a.dcm"), slopes * pixels + intercepts)


def test_one_stack_in_several_files(tmp_path):
    pixels, positions = stack()
    series = generate_uid()
    for name, part in (("a.dcm", [4, 5, 6]), ("b.dcm", [0, 1]), ("c.dcm", [2]), ("d.dcm", [3])):
        write_enhanced(tmp_path / name, pixels[part], positions[part], ORIENTATION, series=series)
    in_place(read_image(tmp_path), pixels)


def test_one_frame_in_each_file(tmp_path):
    pixels, positions = stack()
    series = generate_uid()
    for i in range(len(pixels)):
        options = {"series": series, "rescale": (1 + i, -5)}
        write_enhanced(tmp_path / f"{9 - i}.dcm", pixels[[i]], positions[[i]], ORIENTATION, **options)
    in_place(read_image(tmp_path), pixels * (1 + np.arange(7))[:, None, None] - 5)


def test_frames_that_are_missing(tmp_path):
    pixels, positions = stack(9)
    kept = [0, 1, 2, 6, 7, 8]
    write_enhanced(tmp_path / "a.dcm", pixels[kept], positions[kept], ORIENTATION)
    fails(tmp_path / "a.dcm", "missing or unevenly spaced", "8.00 mm", "2.00 mm")


def test_two_phases(tmp_path):
    pixels, positions = stack()
    twice = np.repeat(np.arange(7), 2)
    write_enhanced(tmp_path / "a.dcm", pixels[twice], positions[twice], ORIENTATION)
    fails(tmp_path / "a.dcm", "several slices at one position", "phases")


@pytest.mark.parametrize("degrees", [12.0, -20.0, 6.0])
def test_gantry_tilt(tmp_path, degrees):
    pixels, positions = stack()
    shift = 2.0 * np.tan(np.radians(degrees)) * np.arange(7)[:, None] * COLUMN
    write_enhanced(tmp_path / "a.dcm", pixels, positions + shift, ORIENTATION)
    fails(tmp_path / "a.dcm", f"gantry tilt of {abs(degrees):.1f}°")


def test_frames_that_are_not_parallel(tmp_path):
    pixels, positions = stack()
    turns = [ORIENTATION] * 6 + [[1, 0, 0, 0, 1, 0]]
    write_enhanced(tmp_path / "a.dcm", pixels, positions, turns)
    fails(tmp_path / "a.dcm", "not parallel")


def test_no_place_is_invented(tmp_path):
    pixels, positions = stack()
    write_enhanced(tmp_path / "a.dcm", pixels, None, ORIENTATION)
    fails(tmp_path / "a.dcm", "without a position")
    write_enhanced(tmp_path / "b.dcm", pixels, positions, ORIENTATION, spacing=None)
    fails(tmp_path / "b.dcm", "without a pixel spacing")


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_frames(tmp_path, count):
    pixels, positions = stack(count)
    write_enhanced(tmp_path / "a.dcm", pixels, positions, ORIENTATION)
    if count == 1:
        fails(tmp_path / "a.dcm", "single DICOM slice")
    else:
        assert read_image(tmp_path / "a.dcm").GetSize() == (4, 5, 3)
