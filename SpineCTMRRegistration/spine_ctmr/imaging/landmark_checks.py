"""Do MR landmarks lie inside the MR, one below the other as far apart as vertebrae are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid, Points
from .case import Centroids
from .label_checks import FLIP, mend_place
from .plausibility import wrong_order
from .typical_sizes import ORDER, typical_distance_mm
from .vertebra_names import vertebra_list, vertebra_name

_APART = 0.3, 2.5
"""Distance of two landmarks over that of an adult's vertebrae: children have 0.55, and points err."""
_STEEPEST_DEG = 60.0
"""Largest angle of the spine's course in the MR to that in the CT; patients lie straight in both."""


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
    seen = {n: landmarks[n] for n, ok in zip(numbers, inside, strict=True) if ok}
    if problem := wrong_order(landmarks) or _wrong_distance(seen):
        raise InputError(f"{name} cannot be right: {problem}; check names and coordinates (LPS mm).")
    if inside.all():
        return ()
    outside = vertebra_list([n for n, ok in zip(numbers, inside, strict=True) if not ok])
    return (f"{name}: {outside} outside {mr_name}; {mend}.",)


def check_course(landmarks: Centroids, bones: Mapping[int, Points], name: str) -> None:
    """Refuse landmarks that run across the body.

    Args:
        landmarks: LPS mm in the MR.
        bones: LPS mm centre (3,) of each vertebra in the CT.
        name: of the landmarks, for messages.

    Raises:
        InputError: their course is far from that of the CT's vertebrae.
    """
    common = [n for n in ORDER if n in landmarks and n in bones]
    if len(common) < 2:
        return
    courses = [points[common[-1]] - points[common[0]] for points in (landmarks, bones)]
    lengths = [float(np.linalg.norm(course)) for course in courses]
    angle = np.degrees(np.arccos(np.clip(courses[0] @ courses[1] / np.prod(lengths), -1, 1)))
    if angle > _STEEPEST_DEG:
        ends = f"{vertebra_name(common[0])} to {vertebra_name(common[-1])}"
        raise InputError(
            f"{name} runs from {ends} at {angle:.0f}° to the CT's vertebrae;"
            " check the order of the coordinates (left, posterior, superior)."
        )


def _wrong_distance(landmarks: Centroids) -> str | None:
    """Why neighbouring landmarks cannot be vertebrae; None if they can."""
    for upper, lower in pairwise(n for n in ORDER if n in landmarks):
        apart = float(np.linalg.norm(landmarks[upper] - landmarks[lower]))
        usual = typical_distance_mm(upper, lower)
        if not _APART[0] <= apart / usual <= _APART[1]:
            pair = f"{vertebra_name(upper)} and {vertebra_name(lower)}"
            return f"{pair} are {apart:.3g} mm apart, where {usual:.0f} are usual"
    return None
