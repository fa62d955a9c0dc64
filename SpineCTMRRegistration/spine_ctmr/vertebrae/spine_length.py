"""Is the spine as long in the MR as in the CT; posture hardly changes that, a wrong voxel spacing does."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Points
from ..geometry.pose import Pose
from ..imaging.label_voxels import label_voxels
from ..imaging.vertebra_names import cranial_to_caudal

NOTABLE, NOTABLE_MM = 0.03, 2.5
"""Change of length that is told, as a share and in mm. Real anatomy with elastic tissue has 0.01, moved
phantoms up to 0.029, but two neighbours in a neck 0.074, which is 2 mm."""


def length_ratio(labels: sitk.Image, poses: Mapping[int, Pose]) -> float:
    """Length of the spine in the MR over that in the CT; NaN with fewer than two vertebrae.

    It is measured between the middles of the whole bones, which lie near the axis about which a spine bends:
    between the bodies alone, bending by 2° a joint changes it by 2 %.

    Args:
        labels: VerSe numbers on the CT.
        poses: CT→MR in LPS mm, by number.
    """
    in_ct, in_mr = _lengths(labels, poses)
    return in_mr / in_ct if in_ct > 0 else float("nan")


def length_note(labels: sitk.Image, poses: Mapping[int, Pose]) -> str | None:
    """A sentence where the length differs more than posture explains; arguments as of `length_ratio`."""
    in_ct, in_mr = _lengths(labels, poses)
    if not abs(in_mr - in_ct) > max(NOTABLE * in_ct, NOTABLE_MM):
        return None
    change = in_mr / in_ct - 1
    way = "longer" if change > 0 else "shorter"
    return (
        f"The spine is {100 * abs(change):.0f} % {way} in the MR than in the CT, more than posture explains; "
        "check the voxel spacing of both images."
    )


def _lengths(labels: sitk.Image, poses: Mapping[int, Pose]) -> tuple[float, float]:
    """In mm in the CT and in the MR."""
    in_ct = {n: v.centroid_mm for n, v in label_voxels(labels).items() if n in poses}
    return _length(in_ct), _length({n: poses[n].apply(center) for n, center in in_ct.items()})


def _length(centers: Mapping[int, Points]) -> float:
    numbers = cranial_to_caudal(centers)
    return sum(float(np.linalg.norm(centers[b] - centers[a])) for a, b in pairwise(numbers))
