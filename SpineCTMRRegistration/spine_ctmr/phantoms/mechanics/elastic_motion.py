"""A patient's motion between CT and MR: bones exactly rigid, tissue as the elastic solid moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry.pose import Pose
from ...geometry.windows import smoothstep
from ..anatomy import Anatomy
from .bone_distances import nearest_bones
from .elastic_solid import TensorMesh
from .tissue import Tissue, interpolated, inverse_displacement

_SKIN_MM = 3.0
"""Over this distance from a bone the tissue goes over from the bone's motion to that of the solid, whose
mesh knows bones no finer."""


@dataclass(frozen=True)
class ElasticMotion:
    """`mr_to_ct` of a patient at any points.

    Attributes:
        anatomy: the patient at rest, in the posture of the CT.
        poses: CT→MR motion of every vertebra, LPS mm.
        global_rigid: the global CT→MR motion, LPS mm.
        mesh: of the solid.
        back: (z, y, x, 3) mm on its nodes: MR point, global motion undone, → its place in the CT.
    """

    anatomy: Anatomy
    poses: Mapping[int, Pose]
    global_rigid: Pose
    mesh: TensorMesh
    back: NDArray[Any]

    @classmethod
    def of(
        cls,
        tissue: Tissue,
        poses: Mapping[int, Pose],
        global_rigid: Pose,
        organ_motion: NDArray[Any],
    ) -> ElasticMotion:
        """The motion of prepared tissue; see `Tissue.moved`."""
        displacement = tissue.moved(poses, global_rigid, organ_motion)
        back = inverse_displacement(tissue.mesh, displacement)
        return cls(tissue.anatomy, poses, global_rigid, tissue.mesh, tissue.mesh.arranged(back))

    def mr_to_ct(self, points: NDArray[Any], rigid_mm: float = 0.0) -> NDArray[Any]:
        """The places (n, 3) in the CT of LPS points (n, 3) of the MR.

        Args:
            points: LPS mm.
            rigid_mm: distance from a bone within which tissue moves rigidly with it, for a map that will be
                kept on a grid.
        """
        level = self.global_rigid.inverse.apply(points)
        near = nearest_bones(self.anatomy, points, self.poses)
        first = np.maximum(near.distance - rigid_mm, 0.0)
        second = np.maximum(near.second_distance - rigid_mm, 0.0)
        total = first**2 + second**2
        share = np.divide(second**2, total, out=np.ones_like(total), where=total > 0)
        weight = smoothstep((1 - first / _SKIN_MM).clip(0, 1))
        result = (1 - weight)[:, None] * (level + interpolated(self.mesh, self.back, level))
        for index, number in enumerate(self.anatomy.numbers):
            part = weight * (share * (near.first == index) + (1 - share) * (near.second == index))
            mine = np.flatnonzero(part)
            places = self.poses[number].inverse.apply(points[mine])
            result[mine] += part[mine, None] * places
        return result
