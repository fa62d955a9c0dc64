"""A patient's tissue as an elastic solid around moving bones, prepared once for many postures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from ...geometry.pose import Pose
from ..anatomy import Anatomy
from ..bone_shape import bounds
from ..rendering import contrast_table, render
from ..tissue import INDEX
from .bone_distances import nearest_bones
from .elastic_solid import ElasticSolid, TensorMesh
from .graded_axes import graded_axis, indices_on
from .stiffness import young_kpa

Corners = tuple[NDArray[Any], NDArray[Any]]
"""Lowest and highest LPS mm (3,) of a box."""
NO_BONE = -1
_ORGANS = ("visceral fat", "organ", "kidney", "bowel", "fluid", "gas", "vessel")
_INVERSE_STEPS, _INVERSE_SHARE, _INVERSE_MM = 40, 0.7, 0.02


@dataclass(frozen=True)
class Tissue:
    """The tissue of one patient in a box.

    Attributes:
        anatomy: the patient at rest, in the posture of the CT.
        mesh: of the box, LPS mm of the CT.
        follows: (n,) index of the vertebra whose motion each held node has; `NO_BONE` for the others.
        solid: with the nodes in bone and on the box's border held.
        organs: (n,) share of movable organs at each node, 0 to 1.
    """

    anatomy: Anatomy
    mesh: TensorMesh
    follows: NDArray[np.int64]
    solid: ElasticSolid
    organs: NDArray[Any]

    @classmethod
    def prepared(
        cls, anatomy: Anatomy, box: Corners, step_mm: float = 3.0, open_ends: bool = False
    ) -> Tissue:
        """The tissue of a patient in a box, on a mesh of `step_mm` around the spine.

        The border of the box follows the global motion; its lowest and highest faces do not with
        `open_ends`, for a spine that goes on beyond them.
        """
        mesh = TensorMesh.of(_axes(anatomy, box, step_mm))
        bones = nearest_bones(anatomy, mesh.nodes)
        in_bone = bones.distance < 0.5 * step_mm
        border = mesh.on_border(2 if open_ends else 3)
        held = in_bone | border
        organs = np.zeros(len(young_kpa()))
        organs[[INDEX[name] for name in _ORGANS]] = 1
        table = contrast_table([organs])
        share, _ = render(anatomy, torch.tensor(mesh.nodes, dtype=torch.float32), table, step_mm)
        solid = ElasticSolid.prepared(mesh, _young(anatomy, mesh, step_mm), held)
        follows = np.where(in_bone & (open_ends | ~border), bones.first, NO_BONE)
        return cls(anatomy, mesh, follows, solid, share[:, 0].numpy().clip(0, 1))

    def moved(
        self, poses: Mapping[int, Pose], global_rigid: Pose, organ_motion: NDArray[Any]
    ) -> NDArray[Any]:
        """Displacement (n, 3) in LPS mm of the nodes, the patient's global motion undone.

        Args:
            poses: CT→MR motion of every vertebra, LPS mm.
            global_rigid: the global CT→MR motion, which the border of the box follows.
            organ_motion: (n, 3) mm, zero at the held nodes (`organ_motion`).
        """
        back = global_rigid.inverse
        given = np.zeros_like(self.mesh.nodes)
        for index, number in enumerate(self.anatomy.numbers):
            mine = self.follows == index
            places = self.mesh.nodes[mine]
            given[mine] = (back @ poses[number]).apply(places) - places
        return self.solid.displacement(given) + organ_motion

    def organ_motion(self, rng: np.random.Generator, most_mm: float) -> NDArray[Any]:
        """Displacement (n, 3) in mm of the nodes as breathing, filling and gravity give: at most `most_mm`.

        Smooth random forces act on the organs; what holds them is the solid around them, and the soft fat
        between lets them slide.
        """
        coarse = [max(len(axis) // 6, 2) for axis in self.mesh.axes[::-1]]
        forces = gaussian_filter(rng.normal(size=(*coarse, 3)), (1, 1, 1, 0)) + rng.normal(0, 0.3, 3)
        shape = [len(axis) for axis in self.mesh.axes[::-1]]
        where = np.stack(
            [
                indices_on(axis, p) * (c - 1) / (n - 1)
                for axis, p, c, n in zip(
                    self.mesh.axes[::-1], self.mesh.nodes.T[::-1], coarse, shape, strict=True
                )
            ]
        )
        load = np.stack([map_coordinates(forces[..., k], where, order=1) for k in range(3)], -1)
        moved = self.solid.displacement(np.zeros_like(load), load * self.organs[:, None])
        return moved * (most_mm / max(float(np.linalg.norm(moved, axis=1).max()), 1e-9))


def inverse_displacement(mesh: TensorMesh, displacement: NDArray[Any]) -> NDArray[Any]:
    """For displaced nodes (n, 3) mm, the displacement (n, 3) that leads from each node's place back.

    A damped fixed-point iteration, which converges wherever the motion does not fold.
    """
    back = -displacement
    field = mesh.arranged(displacement)
    for _ in range(_INVERSE_STEPS):
        error = back + interpolated(mesh, field, mesh.nodes + back)
        back = back - _INVERSE_SHARE * error
        if np.linalg.norm(error, axis=1).max() < _INVERSE_MM:
            break
    return back


def interpolated(mesh: TensorMesh, field: NDArray[Any], points: NDArray[Any]) -> NDArray[Any]:
    """Values (n, k) of a field (z, y, x, k) on the mesh's nodes at points (n, 3) in mm."""
    where = [indices_on(axis, p) for axis, p in zip(mesh.axes, points.T, strict=True)][::-1]
    return np.stack(
        [map_coordinates(field[..., k], where, order=1, mode="nearest") for k in range(field.shape[-1])], -1
    )


def _axes(anatomy: Anatomy, box: Corners, step_mm: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Node coordinates, fine where there are bones."""
    corners = np.concatenate(
        [
            frame.apply(np.array(np.meshgrid(*zip(*bounds(shape), strict=True))).reshape(3, -1).T)
            for shape, frame in zip(anatomy.vertebrae, anatomy.frames, strict=True)
        ]
    )
    ranges = zip(corners.min(0), corners.max(0), *box, strict=True)
    x, y, z = (graded_axis((a, b), (low, high), step_mm) for a, b, low, high in ranges)
    return x, y, z


def _young(anatomy: Anatomy, mesh: TensorMesh, step_mm: float) -> NDArray[Any]:
    """Young's modulus (m,) in kPa of the tetrahedra: that at the middle of their cell."""
    middles = [(axis[1:] + axis[:-1]) / 2 for axis in mesh.axes]
    x, y, z = np.meshgrid(*middles, indexing="ij")
    cells = torch.tensor(np.stack([x, y, z], -1).reshape(-1, 3), dtype=torch.float32)
    values, _ = render(anatomy, cells, contrast_table([young_kpa()]), step_mm)
    grid = values[:, 0].numpy().clip(min=float(young_kpa().min())).reshape(x.shape)
    places = zip(mesh.axes, mesh.middles.T, strict=True)
    where = tuple(np.searchsorted(axis, p) - 1 for axis, p in places)
    return np.asarray(grid[where])
