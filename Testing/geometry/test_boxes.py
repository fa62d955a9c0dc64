"""Boxes around a spine."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from spine_ctmr.geometry.boxes import patient_axes

OBLIQUE = Rotation.from_rotvec([0.2, -0.3, 0.25]).as_matrix()


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((-1, 1), repeat=3)))
def test_axes_do_not_depend_on_how_an_image_is_stored(order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(patient_axes(OBLIQUE[:, order] * signs), OBLIQUE)
