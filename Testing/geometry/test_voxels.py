"""Arrays on images that other threads compute with."""

from __future__ import annotations

from threading import Thread

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry.voxels import array_view


def address(values: np.ndarray) -> int:
    return int(values.__array_interface__["data"][0])


def test_the_view_stays_where_it_is_while_a_filter_reads_the_image() -> None:
    values = np.random.default_rng(0).normal(size=(60, 70, 80)).astype(np.float32)
    image = sitk.GetImageFromArray(values)
    first = array_view(image)
    filtering = Thread(target=sitk.SmoothingRecursiveGaussian, args=(image, 8.0))
    filtering.start()
    seen = {address(array_view(image)) for _ in range(2000)}
    filtering.join()
    assert seen == {address(first)}
    np.testing.assert_array_equal(first, values)


def test_the_view_keeps_its_values_when_the_image_is_gone() -> None:
    image = sitk.GetImageFromArray(np.full((50, 60, 70), 7.0, np.float32))
    view = array_view(image)
    del image
    np.zeros((50, 60, 70), np.float32).fill(1)
    assert (view == 7).all()


def test_a_changed_image_gets_another_view() -> None:
    image = sitk.Image(3, 4, 5, sitk.sitkUInt8)
    before = array_view(image)
    image[2, 3, 4] = 9
    assert array_view(image)[4, 3, 2] == 9
    assert before[4, 3, 2] == 0
    assert array_view(image) is array_view(image)


def test_views_have_the_shape_of_simpleitks_and_cannot_be_written() -> None:
    for image in (sitk.Image(3, 4, 5, sitk.sitkInt16), sitk.Image([3, 4, 5], sitk.sitkVectorFloat64, 3)):
        view, theirs = array_view(image), sitk.GetArrayFromImage(image)
        assert (view.shape, view.dtype) == (theirs.shape, theirs.dtype)
        with pytest.raises(ValueError, match="read-only"):
            view[0, 0, 0] = 1
