"""How far a label would have to be moved and turned for its outline to follow the bone in the CT best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Points
from ..geometry.pose import Pose
from .label_edges import LAYERS, values

_STEPS_MM = (4.0, 2.0, 1.0, 0.5)
_MOST_STEPS = 12
"""Of one length."""
_GAIN = 0.002
"""Relative gain of contrast below which a step is not taken."""


@dataclass(frozen=True)
class LabelMotion:
    """The motion that leads a label to its bone.

    Attributes:
        moves_mm: by which points of the label move on average.
        kept: contrast at the label's outline over that after the motion.
        contrast: how much brighter the CT is inside of the outline than outside after the motion, HU.
    """

    moves_mm: float
    kept: float
    contrast: float


def motion_to_bone(ct: sitk.Image, inside: Points, outside: Points, bone: Points) -> LabelMotion:
    """The small rigid motion of a label after which the CT is brightest inside compared with outside.

    Args:
        ct: in HU.
        inside: LPS mm (n, 3) just inside of the label.
        outside: LPS mm (n, 3) beside them, just outside.
        bone: LPS mm (m, 3) in the label.
    """
    center = bone.mean(0)
    radius = float(np.sqrt(((bone - center) ** 2).sum(1).mean()))
    steps = np.arange(LAYERS[0], LAYERS[-1] + 2)[:, None, None]
    layers = inside + steps * (outside - inside)

    def motion(parameters: Points) -> Pose:
        return Pose.from_rotation(parameters[3:] / radius, parameters[:3], center)

    def contrast(parameters: Points) -> float:
        there = motion(parameters).apply(layers.reshape(-1, 3))
        return float(-np.diff(values(ct, there).reshape(len(steps), -1).mean(1)).min())

    here = contrast(np.zeros(6))
    parameters, best = _climb(contrast, here)
    moves = np.linalg.norm(motion(parameters).apply(bone) - bone, axis=1).mean()
    return LabelMotion(float(moves), here / best if best > 0 else 1.0, best)


def _climb(contrast: Callable[[Points], float], here: float) -> tuple[Points, float]:
    """Parameters (6,) in mm from 0 on at which the contrast is highest near by, and that contrast."""
    parameters, best = np.zeros(6), here
    for length in _STEPS_MM:
        for _ in range(_MOST_STEPS):
            candidates = parameters + length * np.concatenate([np.eye(6), -np.eye(6)])
            found = [contrast(candidate) for candidate in candidates]
            if max(found) <= best + _GAIN * abs(best):
                break
            parameters, best = candidates[int(np.argmax(found))], max(found)
    return parameters, best
