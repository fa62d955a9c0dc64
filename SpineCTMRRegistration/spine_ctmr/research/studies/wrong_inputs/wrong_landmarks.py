"""Landmarks under wrong names, at wrong places or of another patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .known import Known
from .wrong_input import NAMES, WrongInput, own
from .wrong_labels import levels_off as labels_off
from .wrong_labels import reversed_names


def levels_off(known: Known, levels: int) -> Known:
    """Every landmark named some levels more caudal than it is."""
    return known.with_landmarks({n + levels: center for n, center in known.landmarks.items()})


def all_levels_off(known: Known, levels: int) -> Known:
    """Labels and landmarks named some levels more caudal than they are."""
    return labels_off(levels_off(known, levels), levels)


def reversed_landmarks(known: Known) -> Known:
    """The landmarks named from tail to head."""
    return known.with_landmarks(
        dict(zip(known.landmarks, reversed(list(known.landmarks.values())), strict=True))
    )


def all_reversed(known: Known) -> Known:
    """Labels and landmarks named from tail to head."""
    return reversed_names(known).with_landmarks(reversed_landmarks(known).landmarks)


def two_swapped(known: Known) -> Known:
    """Two neighbouring landmarks with each other's name."""
    first, second = known.numbers[1:3]
    return known.with_landmarks(
        {**known.landmarks, first: known.landmarks[second], second: known.landmarks[first]}
    )


def in_ras(known: Known) -> Known:
    """The landmarks in RAS where LPS is said."""
    return known.with_landmarks({n: center * [-1, -1, 1] for n, center in known.landmarks.items()})


def moved(known: Known, shift_mm: Sequence[float]) -> Known:
    """All landmarks moved by an LPS vector."""
    return known.with_landmarks({n: center + np.asarray(shift_mm) for n, center in known.landmarks.items()})


def scattered(known: Known, error_mm: float) -> Known:
    """Every landmark moved in a direction of its own."""
    rng = np.random.default_rng(5)
    directions = rng.normal(size=(len(known.landmarks), 3))
    directions *= error_mm / np.linalg.norm(directions, axis=1, keepdims=True)
    centers = zip(known.landmarks.items(), directions, strict=True)
    return known.with_landmarks({n: center + direction for (n, center), direction in centers})


def of_another(known: Known, other: Known) -> Known:
    """The landmarks of another patient's MR."""
    return known.with_landmarks(dict(zip(known.numbers, other.landmarks.values(), strict=False)))


def one_of_the_next_level(known: Known) -> Known:
    """A single landmark, which is the centre of the vertebra below the one that it names."""
    first, second = known.numbers[1:3]
    return known.with_landmarks({first: known.landmarks[second]})


WRONG = (
    WrongInput("landmarks-ras", "landmarks in RAS", own(in_ras)),
    WrongInput("landmarks-up-1", "landmarks named one level too cranial", own(levels_off, -1)),
    WrongInput("landmarks-down-1", "landmarks named one level too caudal", own(levels_off, 1)),
    WrongInput("landmarks-up-2", "landmarks named two levels too cranial", own(levels_off, -2)),
    WrongInput("landmarks-reversed", "landmarks named from tail to head", own(reversed_landmarks)),
    WrongInput("both-reversed", "labels and landmarks named from tail to head", own(all_reversed)),
    WrongInput("both-down-1", "all names one level too caudal", own(all_levels_off, 1), NAMES),
    WrongInput("landmarks-swapped", "two neighbouring landmarks swapped", own(two_swapped)),
    WrongInput("landmarks-40", "landmarks 40 mm too cranial", own(moved, (0, 0, 40))),
    WrongInput("landmarks-scattered-15", "every landmark 15 mm off", own(scattered, 15.0)),
    WrongInput("landmarks-scattered-30", "every landmark 30 mm off", own(scattered, 30.0)),
    WrongInput("landmarks-of-another", "landmarks of another patient", of_another),
    WrongInput("landmark-next", "a single landmark, of the next level", own(one_of_the_next_level)),
)
