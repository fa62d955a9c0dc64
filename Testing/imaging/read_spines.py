"""What label maps of `spines.py` are read as; needs SciPy, which those do not."""

import pytest
from imaging.spines import numbers_where, save
from spine_ctmr.errors import InputError
from spine_ctmr.imaging.label_schemes import BY_NAME
from spine_ctmr.imaging.segmentation import read_vertebrae
from spine_ctmr.imaging.vertebra_names import vertebra_name


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
