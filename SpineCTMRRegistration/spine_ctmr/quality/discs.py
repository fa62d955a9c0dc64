"""Discs of the MR against those of the registered CT: a check that needs no landmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..alignment.centroids import body_centers
from ..geometry.grid import Grid, Points
from ..geometry.interpolation import values_at
from ..geometry.voxels import array_view
from ..imaging.vertebra_names import cranial_to_caudal, vertebra_name
from .disc_gap import COVERED, MARROW_MM, STEP_MM, Gap, Values, find_gap
from .disc_profile import contrast, departure, symmetry_center

NAN = float("nan")
END_PLATE, REACH = 0.1, 0.25
"""Of an end plate with its blur, and how far from the CT's disc that of the MR is looked for: shares of the
distance between the bodies' middles, about 32 mm in the lumbar spine."""
WIDEST = 0.5
"""A gap wider than this share of that distance is no disc: a vertebra is missing."""
IN_BONE = 0.7
"""Share of the lines that must run in bone where marrow is measured."""
LEAST_CONTRAST, LARGEST_ERROR_MM = 5.0, 1.0
OUTSIDE, NO_GAP = "outside the MR", "no gap between the labels"
FAINT, UNSURE = "contrast too low", "lines disagree"

Places = Callable[[Points], Points]
"""Where LPS points (n, 3) go."""


@dataclass(frozen=True)
class Disc:
    """Where the disc between two vertebrae lies in the MR, seen from that of the registered CT.

    Attributes:
        name: such as "L4-L5".
        upper, lower: VerSe numbers.
        offset_before_mm, offset_mm: middle of the MR's disc minus that of the CT's along the spine, positive
            to cranial, at the rigid start and after registration; NaN where it is not told.
        error_mm: standard error of the offset, from the four quarters of the bundle.
        contrast: of the disc to the marrow beside it, over the variation of the marrow.
        not_told: why there is no offset; "" where there is one.
    """

    name: str
    upper: int
    lower: int
    offset_before_mm: float = NAN
    offset_mm: float = NAN
    error_mm: float = NAN
    contrast: float = NAN
    not_told: str = ""


def measure_discs(mr: Values, labels_in_mr: sitk.Image, at_start: Places | None = None) -> list[Disc]:
    """The discs between neighbouring vertebrae, cranial to caudal.

    A bundle of lines runs through the middle part of both bodies at right angles to the gap between their
    labels, which is the CT's disc. In the mean profile of the MR the disc is what departs from the marrow on
    both sides, darker or brighter.

    Args:
        mr: intensities of the MR.
        labels_in_mr: CT vertebra labels on a grid in the MR frame, each moved by its pose.
        at_start: where the rigid start puts what the registration puts at a place of the MR.
    """
    centers = body_centers(labels_in_mr)
    found = []
    for upper, lower in pairwise(cranial_to_caudal(centers)):
        bones = _share_of(labels_in_mr, upper), _share_of(labels_in_mr, lower)
        ends = np.stack([centers[upper], centers[lower]])
        gap = find_gap(ends, *bones)
        if gap is not None and gap.width_mm > WIDEST * np.linalg.norm(ends[0] - ends[1]):
            continue
        why = OUTSIDE if any(_is_cut(labels_in_mr, number) for number in (upper, lower)) else NO_GAP
        disc = Disc(f"{vertebra_name(upper)}-{vertebra_name(lower)}", upper, lower, not_told=why)
        found.append(disc if gap is None else _measured(disc, gap, mr, at_start))
    return found


def _measured(disc: Disc, gap: Gap, mr: Values, at_start: Places | None) -> Disc:
    """The disc with what the MR shows of it."""
    bundle, along, length = gap.bundle, gap.bundle.along, gap.bundle.length_mm
    values = mr(bundle.points)
    seen = np.isfinite(values).mean(0) >= COVERED
    half = gap.width_mm / 2 + END_PLATE * length
    marrow = seen & (np.where(along > 0, gap.upper, gap.lower) >= IN_BONE) & (np.abs(along) > half)
    least = min(int((marrow & side).sum()) for side in (along < 0, along > 0)) * STEP_MM
    if least < MARROW_MM or not seen[np.abs(along) <= half].all():
        return replace(disc, not_told=OUTSIDE)

    def profile(lines: NDArray[Any]) -> NDArray[Any]:
        mean = np.nanmean(values[lines][:, seen], 0)
        return departure(np.interp(along, along[seen], mean), along, marrow) * seen

    def offset(lines: NDArray[Any]) -> float:
        in_mr = symmetry_center(profile(lines), along, REACH * length)
        return in_mr - float(np.nanmean(gap.middles[lines]))

    everywhere = np.ones(len(bundle.spots), bool)
    shift = offset(everywhere)
    strength = contrast(profile(everywhere), along, marrow, shift, half)
    quarters = [np.all(bundle.spots * sign > 0, 1) for sign in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    error = float(np.std([offset(lines) for lines in quarters], ddof=1)) / 2
    disc = replace(disc, error_mm=error, contrast=strength)
    if strength < LEAST_CONTRAST or error > LARGEST_ERROR_MM:
        return replace(disc, not_told=FAINT if strength < LEAST_CONTRAST else UNSURE)
    if at_start is None:
        return replace(disc, offset_mm=shift, not_told="")
    moved = bundle.middle - at_start(bundle.middle[None])[0]
    return replace(disc, offset_before_mm=shift + float(moved @ bundle.axis), offset_mm=shift, not_told="")


def image_values(image: sitk.Image) -> Values:
    """Intensities of an image; NaN outside."""
    grid, array = Grid.of(image), array_view(image)
    return lambda points: np.where(grid.contains(points), values_at(array, grid, points), NAN)


def offset_of(discs: Sequence[Disc], number: int) -> float:
    """How far off along the spine, in mm, the discs on both sides say that a vertebra is; NaN unless both do.

    The smaller offset of the two where they point the same way, 0 where they do not: implants and fractures
    spoil one disc, a vertebra that is off moves both.
    """
    beside = [d.offset_mm for d in discs if number in (d.upper, d.lower) and np.isfinite(d.offset_mm)]
    if len(beside) < 2:
        return NAN
    first, second = beside
    return min(abs(first), abs(second)) if first * second > 0 else 0.0


def _is_cut(labels: sitk.Image, number: int) -> bool:
    """Whether a vertebra reaches the edge of the image."""
    mask = array_view(labels) == number
    return any(bool(mask.take(end, axis).any()) for axis in range(3) for end in (0, -1))


def _share_of(labels: sitk.Image, number: int) -> Values:
    """How much of a place is one vertebra, in [0, 1]."""
    grid = Grid.of(labels)
    mask = (array_view(labels) == number).astype(np.float32)
    return lambda points: np.where(grid.contains(points), values_at(mask, grid, points), 0.0)
