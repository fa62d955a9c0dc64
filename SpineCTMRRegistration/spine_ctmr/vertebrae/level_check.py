"""Does the spine fit better one level up or down?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..alignment.centroids import rigid_start
from ..geometry.grid import Points
from ..geometry.pose import Pose
from ..imaging.case import Centroids
from ..imaging.typical_sizes import ORDER, levels_between, typical_distance_mm
from ..imaging.vertebra_names import L6, T13, cranial_to_caudal, vertebra_name
from .gauss_newton import Fit, Poses, optimise
from .matching import make_resolution
from .placed_scene import PlacedScene
from .refinement import joint_prior

FEW = 3
"""Of fewer vertebrae the spine's direction is not known well."""
TILTS_DEG = (-25.0, 0.0, 25.0)
"""Of a single vertebra's neighbours against the patient's axis, in which they are sought."""
_RARE = (T13, L6)
_HALF_LEVEL_MM = 15.0
CLEARLY_BETTER = 0.9
"""A shifted spine is believed if its residual is below this share of the given one's.

On phantoms the right level gives ratios of 1.35 to 1.9 against its shifts, a wrong one 0.5 to 0.76; of a
single vertebra 1.05 to 1.31 and 0.64 to 0.91.
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
        shift: the better of the neighbouring levels; None where the MR does not show them.
        numbers: VerSe numbers of the vertebrae, cranial to caudal.
        shown: those that the MR shows, in the same order.
    """
    if shift is None:
        return "The level was found by the images alone and could not be checked; count the levels in the MR."
    if shift.residual_ratio >= NEARLY_AS_GOOD:
        return None
    middle = numbers.index(shown[len(shown) // 2])
    if len(numbers) > 2:
        middle = min(max(middle, 1), len(numbers) - 2)
    taken = numbers[middle]
    other = _beside(taken, -shift.direction, numbers)
    return (
        "The level was found by the images alone and they leave two: the MR's bone taken for "
        f"{vertebra_name(taken)} may be {vertebra_name(other)}. Count the levels from the sacrum or the "
        "skull, or give the MR's landmarks."
    )


def _beside(number: int, direction: int, numbers: Sequence[int]) -> int:
    """The next level below a vertebra, or with -1 above; T13 and L6 only where they are labelled."""
    known = [n for n in ORDER if n in numbers or n not in _RARE]
    place = known.index(number) + direction
    return known[min(max(place, 0), len(known) - 1)]


def best_shift(place: PlacedScene, poses: Mapping[int, Pose]) -> LevelShift | None:
    """The better of the two shifts by one level, or None where it cannot be judged.

    Args:
        place: the images and where the vertebrae are thought to be in them.
        poses: CT→MR poses in LPS mm at the given level.
    """
    numbers = place.numbers
    shifts = (_shifts_of_few if len(numbers) < FEW else _shifts)(numbers, place.ct_centers, poses)
    starts = [poses, *(dict.fromkeys(numbers, motion) for _, motion in shifts)]
    fit = _short_fit(place, place.residual_motions(starts))
    least = min(len(numbers), 2)
    ratios = [_ratio(fit, k + 1, least) for k in range(len(shifts))]
    best = int(np.argmin(ratios))
    return LevelShift(*shifts[best], ratios[best]) if np.isfinite(ratios[best]) else None


def _shifts(
    numbers: Sequence[int], ct_centers: Centroids, poses: Mapping[int, Pose]
) -> list[tuple[int, Pose]]:
    """Direction and CT→MR start of a spine whose every vertebra takes the place of the next."""
    moved = _chain({n: poses[n].apply(ct_centers[n]) for n in numbers}, numbers)
    levels = list(pairwise(moved))
    up = {low: moved[high] for high, low in levels if low in ct_centers}
    down = {high: moved[low] for high, low in levels if high in ct_centers}
    return [(-1, rigid_start(ct_centers, up)), (1, rigid_start(ct_centers, down))]


def _chain(centers: Centroids, numbers: Sequence[int]) -> Centroids:
    """The centres (3,) of vertebrae, cranial to caudal, and between them those of levels without a label.

    T12 or L5, which not everybody has, are missing there if they have room.
    """
    chain = {numbers[0]: centers[numbers[0]]}
    for high, low in pairwise(numbers):
        missing = [n for n in ORDER[ORDER.index(high) + 1 : ORDER.index(low)] if n not in _RARE]
        if np.linalg.norm(centers[low] - centers[high]) < typical_distance_mm(high, low) + _HALF_LEVEL_MM:
            missing = levels_between(high, low)
        for k, number in enumerate(missing, 1):
            share = k / (len(missing) + 1)
            chain[number] = (1 - share) * centers[high] + share * centers[low]
        chain[low] = centers[low]
    return chain


def _shifts_of_few(
    numbers: Sequence[int], ct_centers: Centroids, poses: Mapping[int, Pose]
) -> list[tuple[int, Pose]]:
    """Direction and CT→MR start of one or two vertebrae a level beside: along their line or the patient's."""
    centers = [poses[n].apply(ct_centers[n]) for n in numbers]
    found = []
    for direction, number in ((-1, numbers[0]), (1, numbers[-1])):
        beside = _beside(number, direction, numbers)
        if beside == number:
            continue
        far = typical_distance_mm(*cranial_to_caudal([number, beside]))
        for axis in _axes_down(centers, poses[number]):
            found.append((direction, Pose.of(np.eye(3), direction * far * axis) @ poses[number]))
    return found


def _axes_down(centers: Sequence[Points], pose: Pose) -> list[Points]:
    """Directions (3,) from a level to the next below in the MR, LPS: of two centres, or guessed for one."""
    if len(centers) > 1:
        down = centers[-1] - centers[0]
        return [down / np.linalg.norm(down)]
    tilts = np.radians(TILTS_DEG)
    return [pose.rotation @ np.array([0.0, np.sin(tilt), -np.cos(tilt)]) for tilt in tilts]


def _short_fit(place: PlacedScene, poses: Poses) -> Fit:
    for factor, count in ((4, 500), (2, 800)):
        resolution = make_resolution(place.scene, place.numbers, factor, count, 4.0)
        fit = optimise(resolution, poses, joint_prior(place, poses), 8)
        poses = fit.poses
    return fit


def _ratio(fit: Fit, shifted: int, least: int) -> float:
    """Mean residual of a shifted start over the given one's, on vertebrae that both show mostly.

    Infinite of fewer than `least` such vertebrae.
    """
    common = (fit.visible[0] > 0.6) & (fit.visible[shifted] > 0.6)
    if int(common.sum()) < least:
        return float("inf")
    return float(fit.residual[shifted][common].mean() / fit.residual[0][common].mean())
