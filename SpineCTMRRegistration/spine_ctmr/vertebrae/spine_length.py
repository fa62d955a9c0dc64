"""Is the spine as long in the MR as in the CT; posture hardly changes that, a wrong voxel spacing does."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..geometry.pose import Pose
from ..imaging.vertebra_names import cranial_to_caudal

NOTABLE = 0.035
"""Change of length that is told. Real anatomy with elastic tissue has 0.01, moved phantoms up to 0.023."""


def length_ratio(centers: Mapping[int, NDArray[np.float64]], poses: Mapping[int, Pose]) -> float:
    """Length of the spine in the MR over that in the CT; NaN with fewer than two vertebrae.

    Args:
        centers: body centres in the CT, LPS mm (3,) by VerSe number.
        poses: CT→MR in LPS mm, by number.
    """
    numbers = cranial_to_caudal(centers.keys() & poses.keys())
    in_ct = sum(float(np.linalg.norm(centers[b] - centers[a])) for a, b in pairwise(numbers))
    moved = {n: poses[n].apply(centers[n]) for n in numbers}
    in_mr = sum(float(np.linalg.norm(moved[b] - moved[a])) for a, b in pairwise(numbers))
    return in_mr / in_ct if in_ct > 0 else float("nan")


def length_note(centers: Mapping[int, NDArray[np.float64]], poses: Mapping[int, Pose]) -> str | None:
    """A sentence where the length differs more than posture explains; arguments as of `length_ratio`."""
    change = length_ratio(centers, poses) - 1
    if not abs(change) > NOTABLE:
        return None
    way = "longer" if change > 0 else "shorter"
    return (
        f"The spine is {100 * abs(change):.0f} % {way} in the MR than in the CT, more than posture explains; "
        "check the voxel spacing of both images."
    )
