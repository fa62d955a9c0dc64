import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.lost_slices import without_lost_slices

AXES = pytest.mark.parametrize("axis", [0, 1, 2])


def scan(low=0.0):
    """A smooth, noisy image (z, y, x) on a sheared-free grid, with air around it."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (20, 24, 28)), indexing="ij")
    body = np.clip(1.4 - x**2 - y**2 - 0.2 * z**2, 0, None)
    noise = np.random.default_rng(0).normal(0, 4, body.shape)
    return (600 * body + np.abs(noise) + low).astype(np.int16)


def image(array):
    found = sitk.GetImageFromArray(array)
    found.SetSpacing((1, 2, 3))
    found.SetOrigin((7, 8, 9))
    return found


@pytest.mark.parametrize("low", [0, -1000])
def test_a_sound_image_is_left_alone(low):
    whole = image(scan(low))
    found, warnings = without_lost_slices(whole, "the MR")
    assert found is whole
    assert warnings == ()


@AXES
@pytest.mark.parametrize("value", [0, 77, "dim"])
@pytest.mark.parametrize("low", [0, -1000])
def test_one_lost_slice_is_filled_and_told(axis, value, low):
    truth = scan(low)
    array = truth.copy()
    plane = np.moveaxis(array, axis, 0)[9]
    plane[...] = low + 0.05 * (plane - low) if value == "dim" else value
    lost = image(array)
    found, warnings = without_lost_slices(lost, "the MR")
    assert len(warnings) == 1
    assert f"the MR: slice 10 of {array.shape[axis]} has no signal" in warnings[0]
    difference = sitk.GetArrayFromImage(found).astype(float) - truth
    assert np.abs(difference).max() < 40
    np.testing.assert_array_equal(np.delete(difference, 9, axis), 0)
    assert found.GetOrigin() == lost.GetOrigin()
    assert found.GetSpacing() == lost.GetSpacing()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(lost), array)


@AXES
@pytest.mark.parametrize("slices", [[9, 10], [4, 8, 12]])
def test_several_lost_slices_are_refused(axis, slices):
    array = scan()
    np.moveaxis(array, axis, 0)[slices] = 0
    with pytest.raises(
        InputError, match=f"the CT has {len(slices)} of {array.shape[axis]} slices without signal"
    ):
        without_lost_slices(image(array), "the CT")


@AXES
def test_empty_slices_at_the_ends_are_no_loss(axis):
    array = scan()
    np.moveaxis(array, axis, 0)[[0, 1, -1]] = 0
    assert without_lost_slices(image(array), "the CT")[1] == ()
