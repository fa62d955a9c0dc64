"""Bones do not enter each other: penetration measured by signed distances, and mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry.grid import Grid
from ...geometry.pose import Pose
from ..anatomy import Anatomy
from ..bone_shape import bounds
from .bone_distances import bone_depth

_SAMPLING_MM = 2.0
_SHELL_MM = 1.5
_TOLERATED_MM = 0.2
"""Of penetration beyond that at rest, where segmented facets may already touch."""
_PUSHES, _STEP_MM = 8, 0.3
_SMALLER = 0.7
_STILL_DEG = 0.2


@dataclass(frozen=True)
class Joint:
    """Two neighbouring vertebrae of an anatomy.

    Attributes:
        anatomy: the patient at rest.
        index: of the upper vertebra.
        surface: LPS points (n, 3) just inside the surface of the lower one.
    """

    anatomy: Anatomy
    index: int
    surface: NDArray[Any]

    @classmethod
    def below(cls, anatomy: Anatomy, index: int) -> Joint:
        """The joint below the vertebra with that index."""
        shape, frame = anatomy.vertebrae[index + 1], anatomy.frames[index + 1]
        box = Grid.around(np.array(bounds(shape)), _SAMPLING_MM)
        points = frame.apply(box.points().reshape(-1, 3))
        depth = bone_depth(shape, frame, anatomy.texture_seed, points)
        return cls(anatomy, index, points[(depth < 0) & (depth > -_SHELL_MM)])

    def distances(self, points: NDArray[Any]) -> NDArray[Any]:
        """Signed distances (n,) in mm of LPS points (n, 3) from the upper bone."""
        a, i = self.anatomy, self.index
        return bone_depth(a.vertebrae[i], a.frames[i], a.texture_seed, points)

    def penetration_mm(self, motion: Pose) -> float:
        """How deep the lower bone, moved by `motion` in LPS mm, lies in the upper one."""
        depths = -self.distances(motion.apply(self.surface))
        return float(depths.max(initial=0))

    def without_penetration(self, motion: Pose) -> Pose:
        """The motion of the lower bone, changed so that it does not enter the upper one.

        It slides out along the direction that frees it; where that is not enough, it turns less.
        """
        allowed = self.penetration_mm(Pose.identity()) + _TOLERATED_MM
        while motion.angle_deg > _STILL_DEG:
            freed = self._pushed_out(motion, allowed)
            if self.penetration_mm(freed) <= allowed:
                return freed
            motion = Pose.exp(_SMALLER * motion.log)
        return Pose.identity()

    def _pushed_out(self, motion: Pose, allowed: float) -> Pose:
        points = motion.apply(self.surface)
        for _ in range(_PUSHES):
            depths = -self.distances(points)
            inside = depths > allowed
            if not inside.any():
                break
            push = (self._outward(points[inside]) * depths[inside, None]).sum(0)
            push *= min(float(depths.max()), _STEP_MM) / max(float(np.linalg.norm(push)), 1e-6)
            motion, points = Pose.of(np.eye(3), push) @ motion, points + push
        return motion

    def _outward(self, points: NDArray[Any]) -> NDArray[Any]:
        """Directions (n, 3) out of the upper bone."""
        steps = 0.5 * np.eye(3)
        slope = np.stack([self.distances(points + s) - self.distances(points - s) for s in steps], 1)
        return slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6)
