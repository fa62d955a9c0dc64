"""The same transform gives the same bytes, whenever it is written."""

import time

import numpy as np
import SimpleITK as sitk
from spine_ctmr.results.hdf5_times import lookup3, without_times


def composite(seed: int) -> sitk.Transform:
    field = np.random.default_rng(seed).normal(size=(5, 6, 7, 3))
    return sitk.CompositeTransform(
        [
            sitk.Euler3DTransform((1.0, 2.0, 3.0), 0.1, 0.2, 0.3),
            sitk.DisplacementFieldTransform(sitk.GetImageFromArray(field, isVector=True)),
        ]
    )


def test_published_values_of_the_hash():
    """Of the function's author, lookup3.c, driver5."""
    assert lookup3(b"") == 0xDEADBEEF
    assert lookup3(b"Four score and seven years ago") == 0x17770551


def test_same_bytes_at_another_time(tmp_path):
    paths = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for path in paths:
        sitk.WriteTransform(composite(0), str(path))
        time.sleep(1.1)
    assert paths[0].read_bytes() != paths[1].read_bytes()
    for path in paths:
        without_times(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_transform_is_the_same(tmp_path):
    """HDF5 checks the sums of the headers when it reads them."""
    path = tmp_path / "a.h5"
    sitk.WriteTransform(composite(1), str(path))
    without_times(path)
    read = sitk.ReadTransform(str(path))
    for point in np.random.default_rng(2).uniform(0, 4, (20, 3)).tolist():
        assert read.TransformPoint(point) == composite(1).TransformPoint(point)
