"""Where the CT of a synthetic pair lies when its registration begins, as the papers have it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...alignment.centroids import rigid_start
from ...geometry.pose import Pose
from ...imaging.vertebra_names import cranial_to_caudal
from ...phantoms.patient import Pair

GIVEN, CENTERS, VERTEBRA = "given", "centres", "vertebra"
L5 = 24
STARTS = (GIVEN, CENTERS, VERTEBRA)
CENTER_ERROR_MM = 1.0
"""Standard deviation along each axis of a centre that an expert set in the MR."""
LEAST_VOXELS = 60
"""Of a vertebra in the image, below which it shows no centre."""


def start_motion(pair: Pair, start: str, rng: np.random.Generator) -> Pose:
    """The rigid motion, in mm along the grid's axes, that takes the pair's CT to its start.

    With `CENTERS` the central points of the vertebrae are matched, as in Jian et al. 2022, section 3; those
    of the MR are set by hand. With `VERTEBRA` one vertebra is registered by its labels, as in van Ulsen
    2022, section 3.2.1: L5, or the lowest that the image does not cut.

    Args:
        pair: whose tissue may move in any way.
        start: one of `STARTS`.
        rng: of the errors of hand-set centres.
    """
    if start == GIVEN:
        return Pose.identity()
    places = _places(pair)
    if not places:
        return Pose.identity()
    if start == CENTERS:
        ct = {n: ct.mean(0) for n, (_, ct) in places.items()}
        mr = {n: mr.mean(0) + rng.normal(0, CENTER_ERROR_MM, 3) for n, (mr, _) in places.items()}
        return rigid_start(ct, mr)
    mr_points, ct_points = places[_lowest(pair, list(places))]
    return Pose.fit(ct_points, mr_points)


def _places(pair: Pair) -> dict[int, tuple[NDArray[Any], NDArray[Any]]]:
    """Points (n, 3) of every vertebra in the MR, and where its CT shows them; mm along the grid's axes."""
    found = {}
    for number in np.unique(pair.bone[pair.bone > 0]):
        mask = pair.bone == number
        if mask.sum() >= LEAST_VOXELS:
            points = np.argwhere(mask)[:, ::-1] * pair.spacing_mm
            found[int(number)] = points, points + pair.displacement[mask].astype(float)
    return found


def _lowest(pair: Pair, numbers: list[int]) -> int:
    """L5, or the lowest whole vertebra in the MR; the lowest of all where none is whole."""
    inner = np.zeros(pair.bone.shape, bool)
    inner[1:-1, 1:-1, 1:-1] = True
    cut = set(np.unique(pair.bone[~inner]).tolist())
    whole = [n for n in numbers if n not in cut]
    return L5 if L5 in whole else cranial_to_caudal(whole or numbers)[-1]
