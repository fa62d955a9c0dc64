"""Labels that lie elsewhere, are named wrongly, or are of another shape or patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import SimpleITK as sitk

from ....geometry.grid import Grid
from ....geometry.pose import Pose
from ....geometry.voxels import array_view
from .known import Known, body_axis, flipped, shifted
from .wrong_input import WrongInput, own

LEFT = 0


def mirrored_labels(known: Known) -> Known:
    """The labels with their voxels in the opposite order from left to right."""
    labels = known.case.vertebrae
    return known.with_labels(flipped(labels, body_axis(labels, LEFT))[0])


def mirrored_about_the_spine(known: Known) -> Known:
    """The labels mirrored from left to right about the middle of the spine itself."""
    labels = known.case.vertebrae
    mirrored, motion = flipped(labels, body_axis(labels, LEFT))
    middle = np.mean([pairs.ct.mean(0) for pairs in known.bone.values()], 0)
    return known.with_labels(shifted(mirrored, middle - motion(middle[None])[0]))


def renamed(known: Known, names: Mapping[int, int]) -> Known:
    """The labels under other numbers."""
    return known.with_labels(sitk.ChangeLabel(known.case.vertebrae, dict(names)))


def neighbours_swapped(known: Known) -> Known:
    """Two labels in the middle of the spine with each other's number."""
    first, second = _middle_pair(known)
    return renamed(known, {first: second, second: first})


def neighbours_joined(known: Known) -> Known:
    """Two labels in the middle of the spine as one."""
    first, second = _middle_pair(known)
    return renamed(known, {second: first})


def levels_off(known: Known, levels: int) -> Known:
    """Every label named some levels more caudal than it is."""
    return renamed(known, {n: n + levels for n in known.numbers})


def reversed_names(known: Known) -> Known:
    """The labels named from tail to head."""
    return renamed(known, dict(zip(known.numbers, reversed(known.numbers), strict=True)))


def all_one(known: Known) -> Known:
    """All bones under the number of the most cranial one."""
    return renamed(known, dict.fromkeys(known.numbers, known.numbers[0]))


def beside(known: Known, shift_mm: Sequence[float]) -> Known:
    """All labels moved by an LPS vector."""
    return known.with_labels(shifted(known.case.vertebrae, np.asarray(shift_mm, float)))


def one_beside(known: Known, shift_mm: Sequence[float]) -> Known:
    """The label in the middle of the spine moved by an LPS vector, where no other label is."""
    number, _ = _middle_pair(known)
    grid = Grid.of(known.case.vertebrae)
    array = array_view(known.case.vertebrae).copy()
    moved = array_view(shifted(known.case.vertebrae == number, np.asarray(shift_mm, float))).copy()
    array[array == number] = 0
    array[(moved > 0) & (array == 0)] = number
    return known.with_labels(grid.image(array))


def turned(known: Known, degrees: float) -> Known:
    """All labels turned about the spine."""
    middle = np.mean([pairs.ct.mean(0) for pairs in known.bone.values()], 0)
    turn = Pose.from_rotation([0.0, 0.0, np.radians(degrees)], np.zeros(3), middle)
    labels = known.case.vertebrae
    return known.with_labels(
        sitk.Resample(labels, labels, turn.inverse.to_sitk(), sitk.sitkNearestNeighbor, 0.0)
    )


def of_the_mr(known: Known) -> Known:
    """The labels where the MR shows the bones, given for the CT."""
    labels = known.case.vertebrae
    array = np.zeros(Grid.of(labels).shape, np.uint8)
    for number, pairs in known.bone.items():
        pose = Pose.fit(pairs.ct, pairs.mr)
        moved = sitk.Resample(labels == number, labels, pose.inverse.to_sitk(), sitk.sitkNearestNeighbor, 0.0)
        array[array_view(moved) > 0] = number
    return known.with_labels(Grid.of(labels).image(array))


def of_another(known: Known, other: Known) -> Known:
    """The labels of another patient's CT, laid over the middle of this one."""
    labels = other.case.vertebrae
    away = Grid.of(labels).center_mm - Grid.of(known.case.ct).center_mm
    placed = sitk.Resample(
        labels,
        known.case.ct,
        sitk.TranslationTransform(3, away.tolist()),
        sitk.sitkNearestNeighbor,
        0.0,
    )
    return known.with_labels(placed)


def thicker(known: Known, by_mm: float) -> Known:
    """Labels grown into what is around them, or shrunk."""
    labels = known.case.vertebrae
    grid = Grid.of(labels)
    array = np.zeros(grid.shape, np.uint8)
    for number in known.numbers:
        inside = sitk.SignedMaurerDistanceMap(
            labels == number, squaredDistance=False, useImageSpacing=True, insideIsPositive=False
        )
        array[(array_view(inside) <= by_mm) & (array == 0)] = number
    return known.with_labels(grid.image(array))


def bodies_alone(known: Known) -> Known:
    """Labels without what lies behind the vertebral bodies."""
    labels = known.case.vertebrae
    grid = Grid.of(labels)
    array = array_view(labels).copy()
    back = grid.points()[..., 1]
    for number in known.numbers:
        array[(array == number) & (back > np.quantile(back[array == number], 0.6))] = 0
    return known.with_labels(grid.image(array))


def _middle_pair(known: Known) -> tuple[int, int]:
    middle = len(known.numbers) // 2
    return known.numbers[middle - 1], known.numbers[middle]


WRONG = (
    WrongInput("labels-mirrored", "labels mirrored left to right", own(mirrored_labels)),
    WrongInput("labels-mirrored-spine", "labels mirrored about the spine", own(mirrored_about_the_spine)),
    WrongInput("labels-swapped", "two neighbouring labels swapped", own(neighbours_swapped)),
    WrongInput("labels-joined", "two neighbouring labels joined", own(neighbours_joined)),
    WrongInput("labels-one", "one label for all bones", own(all_one)),
    WrongInput("labels-up-1", "labels named one level too cranial", own(levels_off, -1)),
    WrongInput("labels-down-1", "labels named one level too caudal", own(levels_off, 1)),
    WrongInput("labels-up-2", "labels named two levels too cranial", own(levels_off, -2)),
    WrongInput("labels-reversed", "labels named from tail to head", own(reversed_names)),
    WrongInput("labels-left-6", "labels 6 mm to the left", own(beside, (6, 0, 0))),
    WrongInput("labels-left-10", "labels 10 mm to the left", own(beside, (10, 0, 0))),
    WrongInput("labels-back-6", "labels 6 mm too far back", own(beside, (0, 6, 0))),
    WrongInput("labels-head-6", "labels 6 mm too cranial", own(beside, (0, 0, 6))),
    WrongInput("labels-head-10", "labels 10 mm too cranial", own(beside, (0, 0, 10))),
    WrongInput("labels-aside-20", "labels 20 mm aside", own(beside, (12, -12, 10))),
    WrongInput("label-aside-8", "one label 8 mm aside", own(one_beside, (6, 4, 3))),
    WrongInput("labels-turned-15", "labels turned by 15° about the spine", own(turned, 15)),
    WrongInput("labels-of-mr", "labels of the MR given for the CT", own(of_the_mr)),
    WrongInput("labels-of-another", "labels of another patient", of_another),
    WrongInput("labels-thick-3", "labels 3 mm too thick", own(thicker, 3.0)),
    WrongInput("labels-thin-2", "labels 2 mm too thin", own(thicker, -2.0)),
    WrongInput("labels-bodies", "labels of the vertebral bodies alone", own(bodies_alone)),
)
