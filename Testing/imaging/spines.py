"""Label maps of whole stretches of spine, made of boxes with the sizes of real vertebrae."""

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.label_schemes import BY_NAME
from spine_ctmr.imaging.segmentation import read_vertebrae
from spine_ctmr.imaging.vertebra_names import vertebra_name

SIZES_MM = {"C": (26, 22, 15), "T": (36, 28, 19), "L": (44, 36, 25), "S": (90, 50, 36)}
"""Width, depth and height of a box with about the volume of a whole vertebra (8, 19, 40, 160 cm³)."""
CENTRES_MM = {"C": 18.0, "T": 24.0, "L": 32.0, "S": 48.0}
"""Distance to the centre above."""
SPACING_MM = 2.0


def spine(levels, size=1.0):
    """(z, y, x) int32 label map of {label: level}, head to tail in the given order, z to the head.

    Levels are "C5" and the like; only the region counts.
    """
    regions = [level[0] for level in levels.values()]
    heights = np.cumsum([0.0] + [size * CENTRES_MM[region] for region in regions[1:]])
    top = heights[-1] + size * 60
    array = np.zeros((int((top + size * 40) / SPACING_MM), int(size * 60), int(size * 60)), np.int32)
    for label, region, height in zip(levels, regions, heights, strict=True):
        centre = np.array([top - height, array.shape[1], array.shape[2]]) / [SPACING_MM, 2, 2]
        half = size * np.array(SIZES_MM[region][::-1]) / SPACING_MM / 2
        low, high = np.rint(centre - half).astype(int), np.rint(centre + half).astype(int)
        array[tuple(slice(max(0, a), b) for a, b in zip(low, high, strict=True))] = label
    return array


def save(path, array, dtype=np.int16):
    image = sitk.GetImageFromArray(array.astype(dtype))
    image.SetSpacing((SPACING_MM,) * 3)
    sitk.WriteImage(image, path)
    return path


def numbers_where(image, array):
    """{label of `array`: number in `image`}, which must be constant over each label."""
    found = sitk.GetArrayFromImage(image)
    numbers = {}
    for label in np.unique(array[array != 0]):
        values = np.unique(found[array == label])
        assert len(values) == 1, (label, values)
        numbers[int(label)] = int(values[0])
    assert not found[array == 0].any()
    return numbers


def labelled(scheme, levels):
    """{label: level} as a scheme numbers the levels."""
    numbers = {vertebra_name(n): label for label, n in reversed(list(BY_NAME[scheme].numbers.items()))}
    return {numbers[level]: level for level in levels}


def read(path, array, scheme=None):
    """{label: level} as the label map was read, and the warnings."""
    found = read_vertebrae(save(path, array), scheme)
    numbers = numbers_where(found.image, array)
    return {label: vertebra_name(n) for label, n in numbers.items() if n}, found.warnings


def refused(path, *words, scheme=None):
    with pytest.raises(InputError) as error:
        read_vertebrae(path, scheme)
    for word in words:
        assert word in str(error.value), error.value
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)
