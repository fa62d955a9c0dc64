"""Postures: all joints of a spine bent the same way, each within its own range."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry.pose import Pose
from ..anatomy import Anatomy
from ..vertebra import VertebraShape
from .contact import Joint
from .joint_ranges import joint_range

_PIVOT_BACK, _PIVOT_DOWN = 0.15, 0.25
"""The axis of flexion lies behind the middle of the disc and in the lower body (White and Panjabi 1990,
from memory)."""

_MOST_SLIP_MM = 1.5


@dataclass(frozen=True)
class PostureOptions:
    """How far another posture is from that of the CT.

    Attributes:
        flexion, lateral, axial: standard deviation of the share of each joint's range that is used, the
            same for all joints of a patient; clipped at the whole range.
        bend: share of flexion beside the random one, from -1 (extended) to 1 (flexed).
        unevenness: standard deviation of each joint's own share beside the common one.
        slip_mm: standard deviation of the shift at each joint.
        table_deg: standard deviation of the patient's rotation on the table.
        table_mm: standard deviation of the patient's shift.
    """

    flexion: float = 0.3
    lateral: float = 0.2
    axial: float = 0.25
    bend: float = 0.0
    unevenness: float = 0.08
    slip_mm: float = 0.3
    table_deg: float = 3.0
    table_mm: float = 12.0


def random_posture(rng: np.random.Generator, anatomy: Anatomy, options: PostureOptions) -> dict[int, Pose]:
    """CT→MR poses by VerSe number, in another posture and place on the table.

    Fused joints do not move, and joints give way where their bones would enter each other.
    """
    center = anatomy.centers.mean(0)
    table = Pose.from_rotation(
        rng.normal(0, np.radians(options.table_deg), 3), rng.normal(0, options.table_mm, 3), center
    )
    shares = rng.normal([options.bend, 0, 0], [options.flexion, options.lateral, options.axial])
    chain = [Pose.identity()]
    for index, (upper, lower) in enumerate(pairwise(anatomy.vertebrae)):
        own = (shares + rng.normal(0, options.unevenness, 3)).clip(-1, 1)
        slip = rng.normal(0, options.slip_mm, 3).clip(-_MOST_SLIP_MM, _MOST_SLIP_MM)
        if upper.fused_below:
            chain.append(chain[-1])
            continue
        wanted = _joint_motion(lower, anatomy.frames[index + 1], _turn_deg(upper, lower, own), slip)
        chain.append(chain[-1] @ Joint.below(anatomy, index).without_penetration(wanted))
    settle = Pose.mean(chain, center).inverse
    return {n: table @ settle @ m for n, m in zip(anatomy.numbers, chain, strict=True)}


def _turn_deg(upper: VertebraShape, lower: VertebraShape, shares: NDArray[Any]) -> NDArray[Any]:
    """Rotation of the lower vertebra about its (left, posterior, cranial) axes for shares of the range."""
    limit = joint_range(upper.number, lower.number)
    return shares * [-limit.flexion_extension / 2, limit.lateral, limit.axial]


def _joint_motion(lower: VertebraShape, frame: Pose, turn_deg: NDArray[Any], slip_mm: NDArray[Any]) -> Pose:
    """Motion of the lower vertebra against the upper one, LPS mm."""
    axes = frame.rotation
    pivot = [0, _PIVOT_BACK * lower.depth, (0.5 - _PIVOT_DOWN) * lower.height]
    return Pose.from_rotation(axes @ np.radians(turn_deg), axes @ slip_mm, frame.apply(np.array(pivot)))
