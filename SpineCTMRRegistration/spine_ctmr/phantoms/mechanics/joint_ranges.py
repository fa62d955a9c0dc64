"""Ranges of motion of the joints of the spine."""

from __future__ import annotations

from dataclasses import dataclass

from ...imaging.vertebra_names import SACRUM, T13

# Representative ranges in degrees below each vertebra: flexion and extension together, lateral bending to
# one side, axial rotation to one side (White and Panjabi, Clinical Biomechanics of the Spine, 2nd edition
# 1990; from memory, and compared with what could be read in docs/synthetic-patients.md)
_BELOW: dict[int, tuple[float, float, float]] = {
    1: (20, 5, 40),
    2: (10, 10, 3),
    3: (15, 11, 7),
    4: (20, 11, 7),
    5: (20, 8, 7),
    6: (17, 7, 6),
    7: (9, 4, 2),
    8: (4, 5, 9),
    9: (4, 6, 8),
    10: (4, 5, 8),
    11: (4, 6, 8),
    12: (4, 6, 8),
    13: (5, 6, 7),
    14: (6, 6, 7),
    15: (6, 6, 6),
    16: (6, 6, 4),
    17: (9, 7, 2),
    18: (12, 9, 2),
    19: (12, 8, 2),
    T13: (12, 8, 2),
    20: (12, 6, 2),
    21: (14, 6, 2),
    22: (15, 8, 2),
    23: (16, 6, 2),
    24: (17, 3, 1),
    25: (17, 3, 1),
}
_LAST_MOBILE_LUMBAR = 24


@dataclass(frozen=True)
class JointRange:
    """How far a joint turns, in degrees.

    Attributes:
        flexion_extension: from full extension to full flexion.
        lateral: to one side.
        axial: to one side.
    """

    flexion_extension: float
    lateral: float
    axial: float


def joint_range(upper: int, lower: int) -> JointRange:
    """The range of the joint between two neighbouring vertebrae (VerSe numbers).

    Levels that not everybody has move like their neighbours: T13 like T12, and L5 above L6 like L4.
    """
    if upper == _LAST_MOBILE_LUMBAR and lower not in (SACRUM,):
        upper -= 1
    return JointRange(*_BELOW[upper])
