"""Label maps of whole stretches of spine, made of boxes with the sizes of real vertebrae."""

import numpy as np
import SimpleITK as sitk

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
