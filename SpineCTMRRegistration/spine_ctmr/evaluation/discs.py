"""Discs of the MR against those of the registered CT: a check that needs no landmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..alignment.centroids import body_centers
from ..geometry.grid import Grid, Points
from ..geometry.interpolation import values_at
from ..geometry.pose import Pose
from ..geometry.transforms import map_points
from ..imaging.vertebra_names import cranial_to_caudal, vertebra_name
from ..results.reader import ResultFolder
from .disc_profile import contrast, departure, symmetry_center

NAN = float("nan")
STEP_MM, LINE_MM = 0.2, 1.0
"""Between the samples of a line, and between the lines."""
RADIUS, END_PLATE, REACH = 0.2, 0.1, 0.25
"""Of the bundle, of an end plate with its blur, and how far from the CT's disc that of the MR is looked for:
shares of the distance between the bodies' middles, about 32 mm in the lumbar spine."""
WIDEST = 0.5
"""A gap wider than this share of that distance is no disc: a vertebra is missing."""
TURNS = 2
"""How often the bundle is laid anew at right angles to the gap."""
COVERED, IN_BONE = 0.9, 0.7
"""Share of the lines that the MR must show at a place, and that must run in bone where marrow is measured."""
MARROW_MM = 3.0
"""Least length of marrow on either side."""
LEAST_CONTRAST, LARGEST_ERROR_MM = 5.0, 1.0
OUTSIDE, NO_GAP = "outside the MR", "no gap between the labels"
FAINT, UNSURE = "contrast too low", "lines disagree"

Values = Callable[[Points], NDArray[Any]]
"""Values (...) at LPS points (..., 3) of the MR's frame; NaN where there is none."""


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


def measure_discs(mr: Values, labels_in_mr: sitk.Image, to_ct: sitk.Transform, start: Pose) -> list[Disc]:
    """The discs between neighbouring vertebrae, cranial to caudal.

    A bundle of lines runs through the middle part of both bodies at right angles to the gap between their
    labels, which is the CT's disc. In the mean profile of the MR the disc is what departs from the marrow on
    both sides, darker or brighter.

    Args:
        mr: intensities of the MR.
        labels_in_mr: CT vertebra labels on a grid in the MR frame, each moved by its pose.
        to_ct: MR→CT of the registration.
        start: CT→MR, rigid.
    """
    centers = body_centers(labels_in_mr)
    found = []
    for upper, lower in pairwise(cranial_to_caudal(centers)):
        bones = _share_of(labels_in_mr, upper), _share_of(labels_in_mr, lower)
        ends = np.stack([centers[upper], centers[lower]])
        gap = _gap(ends, *bones)
        if gap is not None and gap.width_mm > WIDEST * np.linalg.norm(ends[0] - ends[1]):
            continue
        why = OUTSIDE if any(_is_cut(labels_in_mr, number) for number in (upper, lower)) else NO_GAP
        disc = Disc(f"{vertebra_name(upper)}-{vertebra_name(lower)}", upper, lower, not_told=why)
        found.append(disc if gap is None else _measured(disc, gap, mr, to_ct, start))
    return found


@dataclass(frozen=True)
class _Bundle:
    """Parallel lines across a disc, in the MR's frame.

    Attributes:
        middle: LPS point (3,), the zero of all places.
        axis: unit vector (3,) to cranial.
        length_mm: of the lines, half of it to cranial of the middle.
    """

    middle: Points
    axis: Points
    length_mm: float

    @classmethod
    def between(cls, ends: Points, middle: Points, direction: Points) -> _Bundle:
        """The lines along a direction that go from a middle as far as to the nearer of two ends (2, 3)."""
        axis = direction / np.linalg.norm(direction)
        return cls(middle, axis, 2 * float(np.abs((ends - middle) @ axis).min()))

    @property
    def across(self) -> NDArray[Any]:
        """Unit vectors (2, 3) at right angles to the axis."""
        side = np.cross(self.axis, np.eye(3)[np.abs(self.axis).argmin()])
        side /= np.linalg.norm(side)
        return np.stack([side, np.cross(self.axis, side)])

    @property
    def spots(self) -> NDArray[Any]:
        """Places (n, 2) of the lines in mm along `across`."""
        radius = RADIUS * self.length_mm
        row = np.arange(LINE_MM / 2, radius, LINE_MM)
        places = np.stack(np.meshgrid(*[np.r_[-row[::-1], row]] * 2), -1).reshape(-1, 2)
        return places[np.linalg.norm(places, axis=1) <= radius]

    @property
    def along(self) -> NDArray[Any]:
        """Places (m,) of the samples in mm along the axis."""
        count = int(self.length_mm / 2 / STEP_MM)
        return np.arange(-count, count + 1) * STEP_MM

    @property
    def points(self) -> Points:
        """LPS points (n, m, 3)."""
        return self.middle + (self.spots @ self.across)[:, None] + self.along[:, None] * self.axis


@dataclass(frozen=True)
class _Gap:
    """The gap between two labels, which is the CT's disc; its middle is the zero of the bundle.

    Attributes:
        bundle: lines at right angles to it.
        middles: its middle (n,) on every line in mm; NaN where a line misses a bone.
        width_mm: mean over the lines.
        upper, lower: share of the lines (m,) that run in either bone at a place.
    """

    bundle: _Bundle
    middles: NDArray[Any]
    width_mm: float
    upper: NDArray[Any]
    lower: NDArray[Any]


def _gap(ends: Points, upper: Values, lower: Values) -> _Gap | None:
    """The gap on a bundle that is turned to run at right angles to it; None without one on most lines.

    Args:
        ends: middles (2, 3) of the upper and the lower body.
        upper, lower: share of each bone.
    """
    bundle = _Bundle.between(ends, ends.mean(0), ends[0] - ends[1])
    for turn in range(TURNS + 1):
        if bundle.length_mm < 2 * MARROW_MM:
            return None
        above, below = (bone(bundle.points) >= 0.5 for bone in (upper, lower))
        met = above.any(1) & below.any(1)
        if met.mean() < COVERED:
            return None
        along = bundle.along
        ceiling, floor = along[above.argmax(1)], along[::-1][below[:, ::-1].argmax(1)]
        middles = np.where(met, (ceiling + floor) / 2, NAN)
        if turn < TURNS:
            plane = np.c_[bundle.spots, np.ones(len(bundle.spots))][met]
            (*slopes, height), *_ = np.linalg.lstsq(plane, middles[met])
            middle = bundle.middle + height * bundle.axis
            bundle = _Bundle.between(ends, middle, bundle.axis - slopes @ bundle.across)
    width = float((ceiling - floor)[met].mean())
    return _Gap(bundle, middles, width, above.mean(0), below.mean(0))


def _measured(disc: Disc, gap: _Gap, mr: Values, to_ct: sitk.Transform, start: Pose) -> Disc:
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
    at_start = start.apply(map_points(to_ct, bundle.middle[None]))[0]
    before = shift + float((bundle.middle - at_start) @ bundle.axis)
    return replace(disc, offset_before_mm=before, offset_mm=shift, not_told="")


def mr_values(result: ResultFolder, mr_in_ct: sitk.Image) -> Values:
    """Intensities of the MR in its own frame, from the MR on the CT's grid."""
    seen, grid = Grid.of(result.labels_in_mr), Grid.of(mr_in_ct)
    array, blend_mm = sitk.GetArrayViewFromImage(mr_in_ct), max(grid.spacing_mm)

    def values(points: Points) -> NDArray[Any]:
        in_ct = map_points(result.to_ct, points.reshape(-1, 3)).reshape(points.shape)
        known = seen.contains(points, blend_mm) & grid.contains(in_ct)
        return np.where(known, values_at(array, grid, in_ct), NAN)

    return values


def _is_cut(labels: sitk.Image, number: int) -> bool:
    """Whether a vertebra reaches the edge of the image."""
    mask = sitk.GetArrayViewFromImage(labels) == number
    return any(bool(mask.take(end, axis).any()) for axis in range(3) for end in (0, -1))


def _share_of(labels: sitk.Image, number: int) -> Values:
    """How much of a place is one vertebra, in [0, 1]."""
    grid = Grid.of(labels)
    mask = (sitk.GetArrayViewFromImage(labels) == number).astype(np.float32)
    return lambda points: np.where(grid.contains(points), values_at(mask, grid, points), 0.0)
