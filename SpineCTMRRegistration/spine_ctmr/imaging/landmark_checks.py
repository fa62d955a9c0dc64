"""Do MR landmarks lie inside the MR."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from .case import Centroids
from .label_checks import FLIP, check_order, mend_place
from .vertebra_names import vertebra_list


def check_landmarks(landmarks: Centroids, mr: sitk.Image, name: str, mr_name: str) -> tuple[str, ...]:
    """Warnings about LPS mm `landmarks` of the MR; raises InputError if all are outside it."""
    if not landmarks:
        raise InputError(f"{name} holds no landmarks; place one in each vertebra of {mr_name}.")
    grid = Grid.of(mr)
    numbers = list(landmarks)
    points = np.array([landmarks[n] for n in numbers])
    inside, flipped = grid.contains(points), grid.contains(points * FLIP)
    mend = mend_place(bool(flipped.sum() > inside.sum()), mr_name)
    if not inside.any():
        raise InputError(f"{name} lies outside {mr_name}; {mend}.")
    warnings = check_order(landmarks, name)
    if inside.all():
        return warnings
    outside = vertebra_list([n for n, ok in zip(numbers, inside, strict=True) if not ok])
    return (f"{name}: {outside} outside {mr_name}; {mend}.", *warnings)
