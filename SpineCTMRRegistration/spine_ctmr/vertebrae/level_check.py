"""Does the spine fit better one level up or down?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..alignment.centroids import rigid_start
from ..geometry.pose import Pose
from ..imaging.vertebra_names import vertebra_name
from .gauss_newton import Fit, Poses, optimise
from .matching import make_resolution
from .placed_scene import PlacedScene
from .refinement import joint_prior

CLEARLY_BETTER = 0.9
"""A shifted spine is believed if its residual is below this share of the given one's.

On phantoms the right level gives ratios of 1.35 to 1.9 against its shifts, a wrong one 0.5 to 0.76.
"""


NEARLY_AS_GOOD = 1.2
"""Where no one has named the level and a shifted spine comes so near, two levels are possible."""


@dataclass(frozen=True)
class LevelShift:
    """The spine moved by one level.

    Attributes:
        direction: -1 = every CT vertebra one level more cranial in the MR, 1 = more caudal.
        motion: rigid CT→MR start in LPS mm at the shifted level.
        residual_ratio: its mean descriptor residual over that of the given level.
    """

    direction: int
    motion: Pose
    residual_ratio: float

    @property
    def is_better(self) -> bool:
        """Whether the images clearly prefer the shifted level."""
        return self.residual_ratio < CLEARLY_BETTER


def level_left_open(shift: LevelShift | None, numbers: Sequence[int], shown: Sequence[int]) -> str | None:
    """What a user should know of a level that the images alone have chosen; None where they are clear.

    Args:
        shift: the better of the neighbouring levels; None of fewer than three vertebrae.
        numbers: VerSe numbers of the vertebrae, cranial to caudal.
        shown: those that the MR shows, in the same order.
    """
    if shift is None:
        return "The level was found by the images alone and could not be checked; count the levels in the MR."
    if shift.residual_ratio >= NEARLY_AS_GOOD:
        return None
    middle = min(max(numbers.index(shown[len(shown) // 2]), 1), len(numbers) - 2)
    taken, other = (vertebra_name(numbers[k]) for k in (middle, middle - shift.direction))
    return (
        f"The level was found by the images alone and they leave two: the MR's bone taken for {taken} may be "
        f"{other}. Count the levels from the sacrum or the skull, or give the MR's landmarks."
    )


def best_shift(place: PlacedScene, poses: Mapping[int, Pose]) -> LevelShift | None:
    """The better of the two shifts by one level, or None where it cannot be judged.

    Args:
        place: the images and where the vertebrae are thought to be in them.
        poses: CT→MR poses in LPS mm at the given level.
    """
    numbers, ct_centers = place.numbers, place.ct_centers
    if len(numbers) < 3:
        return None
    moved = {n: poses[n].apply(ct_centers[n]) for n in numbers}
    up = rigid_start(ct_centers, {low: moved[high] for high, low in pairwise(numbers)})
    down = rigid_start(ct_centers, {high: moved[low] for high, low in pairwise(numbers)})
    starts = [poses, dict.fromkeys(numbers, up), dict.fromkeys(numbers, down)]
    fit = _short_fit(place, place.residual_motions(starts))
    ratios = [_ratio(fit, k) for k in (1, 2)]
    best = int(np.argmin(ratios))
    return LevelShift((-1, 1)[best], (up, down)[best], ratios[best]) if np.isfinite(ratios[best]) else None


def _short_fit(place: PlacedScene, poses: Poses) -> Fit:
    for factor, count in ((4, 500), (2, 800)):
        resolution = make_resolution(place.scene, place.numbers, factor, count, 4.0)
        fit = optimise(resolution, poses, joint_prior(place, poses), 8)
        poses = fit.poses
    return fit


def _ratio(fit: Fit, shifted: int) -> float:
    """Mean residual of a shifted start over the given one's, on vertebrae that both show mostly."""
    common = (fit.visible[0] > 0.6) & (fit.visible[shifted] > 0.6)
    if int(common.sum()) < 2:
        return float("inf")
    return float(fit.residual[shifted][common].mean() / fit.residual[0][common].mean())
