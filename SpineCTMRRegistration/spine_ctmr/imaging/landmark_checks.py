"""Do MR landmarks lie inside the MR."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from .case import Centroids
from .label_checks import FLIP, mend_place
from .plausibility import wrong_order
from .vertebra_names import vertebra_list


def check_landmarks(landmarks: Centroids, mr: sitk.Image, name: str, mr_name: str) -> tuple[str, ...]:
    """Warnings about LPS mm `landmarks` of the MR.

    Raises:
        InputError: there are none, all are outside the MR, or their order is not that of a spine.
    """
    if not landmarks:
        raise InputError(f"{name} holds no landmarks; place one in each vertebra of {mr_name}.")
    grid = Grid.of(mr)
    numbers = list(landmarks)
    points = np.array([landmarks[n] for n in numbers])
    inside, flipped = grid.contains(points), grid.contains(points * FLIP)
    mend = mend_place(bool(flipped.sum() > inside.sum()), mr_name)
    if not inside.any():
        raise InputError(f"{name} lies outside {mr_name}; {mend}.")
    if problem := wrong_order(landmarks):
        raise InputError(f"{name} cannot be right: {problem}; check the names of the points.")
    if inside.all():
        return ()
    outside = vertebra_list([n for n, ok in zip(numbers, inside, strict=True) if not ok])
    return (f"{name}: {outside} outside {mr_name}; {mend}.",)
