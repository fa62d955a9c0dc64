"""Typical sizes of vertebrae, to tell an impossible or unlikely reading of labels from a possible one."""

from __future__ import annotations

from .vertebra_names import L6, SACRUM, T13, cranial_to_caudal

_TABLE = {
    1: (10.0, 14.0),
    2: (12.0, 21.0),
    3: (8.5, 18.0),
    4: (8.5, 17.0),
    5: (8.5, 17.0),
    6: (9.5, 17.5),
    7: (12.0, 19.5),
    8: (15.0, 20.5),
    9: (15.0, 21.5),
    10: (15.0, 22.0),
    11: (16.0, 22.5),
    12: (17.0, 23.5),
    13: (18.5, 24.5),
    14: (20.5, 25.0),
    15: (22.5, 25.5),
    16: (25.0, 26.5),
    17: (28.0, 28.0),
    18: (31.0, 28.5),
    19: (36.0, 30.5),
    T13: (38.0, 31.0),
    20: (43.0, 32.0),
    21: (48.0, 33.0),
    22: (53.0, 33.5),
    23: (56.0, 33.0),
    24: (57.0, 33.0),
    25: (57.0, 33.0),
}
"""Volume in cm³, and distance to the next centre below in mm, of an adult's vertebra by VerSe number.

Centre distances are heights of body and disc as the phantoms of this project have them (`phantoms/vertebra`),
volumes those of whole vertebrae in label maps of the same phantoms and of VerSe 2020; both are right within
a third, which is what they are used for. The sacrum has none: how much of it is seen varies too much.
"""

_SACRUM_DEEPER_MM = 17.0
"""How much further than the next centre the sacrum's is."""
_OPTIONAL = {19, T13, 24, L6}
"""Levels that a normal variant may lack: T12, T13, L5 and L6."""

ORDER = cranial_to_caudal([*_TABLE, SACRUM])
"""All VerSe numbers of vertebrae from head to tail."""


def typical_volume_mm3(number: int) -> float | None:
    """Volume of a whole vertebra by its VerSe number; None for the sacrum."""
    return None if number not in _TABLE else 1000.0 * _TABLE[number][0]


def typical_distance_mm(upper: int, lower: int) -> float:
    """Distance of the centres of two vertebrae along the spine by their VerSe numbers, upper one first.

    Levels between them that a normal variant may lack are not counted.
    """
    further = _SACRUM_DEEPER_MM if lower == SACRUM else 0.0
    return sum(_TABLE[n][1] for n in [upper, *levels_between(upper, lower)]) + further


def levels_between(upper: int, lower: int) -> list[int]:
    """The levels that everybody has between two VerSe numbers, upper one first."""
    start, end = ORDER.index(upper) + 1, ORDER.index(lower)
    return [n for n in ORDER[start:end] if n not in _OPTIONAL]
