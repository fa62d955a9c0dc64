"""The registration's answer as a deformation: rigid in bone, smooth between, and its inverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from ..alignment import rigid
from ..imaging.grid import Grid
from .bones import Bone, NearestBone, distance_from_bones
from .inversion import invert_displacement, refine_grid, sample_vectors
from .options import DeformationOptions
from .polyrigid import integrate_back, node_coordinates
from .untangling import untangle

RIGID_MARGIN_VOXELS = 1.5
"""Nodes this close to a bone move with it, so that the grid cells that hold bone are rigid."""


@dataclass(frozen=True)
class Deformation:
    """A spine's motion between CT and MR.

    Attributes:
        global_rigid: (4, 4) CT→MR motion in LPS mm followed by everything outside the box.
        poses: (4, 4) CT→MR motion in LPS mm of each vertebra, by VerSe number.
        box: isotropic grid around the spine, in the MR frame.
        mr_to_ct_field: (z, y, x, 3) LPS mm D with `mr_to_ct(p) = inverse(global_rigid)(p + D(p))`.
        ct_to_mr_field: (z, y, x, 3) LPS mm E with `ct_to_mr(p) = q + E(q)`, `q = global_rigid(p)`.
        rigid_nodes: (z, y, x) bool, the nodes of `mr_to_ct_field` that move with a bone.
        overlap: share of each moved bone that lies inside another moved bone.
    """

    global_rigid: rigid.Rigid
    poses: Mapping[int, rigid.Rigid]
    box: Grid
    mr_to_ct_field: NDArray[Any]
    ct_to_mr_field: NDArray[Any]
    rigid_nodes: NDArray[Any]
    overlap: Mapping[int, float]

    def mr_to_ct(self) -> sitk.CompositeTransform:
        """Maps an MR point to the CT point showing the same tissue (resamples the CT onto the MR)."""
        back = rigid.to_sitk(rigid.inverse(self.global_rigid), self.box.center_mm)
        return sitk.CompositeTransform([back, _field_transform(self.mr_to_ct_field, self.box)])

    def ct_to_mr(self) -> sitk.CompositeTransform:
        """Maps a CT point to the MR point showing the same tissue (moves CT points and models)."""
        forth = rigid.to_sitk(
            self.global_rigid, rigid.apply(rigid.inverse(self.global_rigid), self.box.center_mm)
        )
        return sitk.CompositeTransform([_field_transform(self.ct_to_mr_field, self.box), forth])


def spine_box(
    points: NDArray[Any], spacing_mm: float, margin_mm: float, axes: NDArray[Any], stride: int = 2
) -> Grid:
    """An isotropic grid around LPS `points` (n, 3) with sizes that suit `build_deformation`."""
    box = Grid.around(points, spacing_mm, margin_mm, axes)
    extra = [(1 - n) % stride for n in box.size]
    return box.crop((0, 0, 0), np.add(box.size, extra))


def _field_transform(field: NDArray[Any], box: Grid) -> sitk.DisplacementFieldTransform:
    return sitk.DisplacementFieldTransform(sitk.Cast(box.image(field), sitk.sitkVectorFloat64))


def build_deformation(
    bones: Sequence[Bone],
    box: Grid,
    poses: Mapping[int, rigid.Rigid],
    global_rigid: rigid.Rigid,
    options: DeformationOptions,
    motion: torch.Tensor,
) -> Deformation:
    """The deformation that moves every bone by its pose and the tissue between smoothly.

    Args:
        bones: the bones on `box` (`make_bones`).
        box: isotropic grid in the MR frame (`spine_box`); the motion fades to zero at its border.
        poses: CT→MR motions in LPS mm.
        global_rigid: the global CT→MR motion in LPS mm.
        options: see `DeformationOptions`.
        motion: (z, y, x, 3) displacement in box mm of every `stride`-th node: `bone_motion`, or its
            composition with the soft tissue's motion (`compose`).
    """
    nodes = node_coordinates(box, motion.device)
    back = refine_grid(motion, nodes.shape[:3])
    _fade_border(back)
    nearest = _write_rigid(back, nodes, bones, box, forward=False)
    rigid_nodes = (nearest.distance <= _rigid_margin(box)).cpu().numpy()
    in_bone = (nearest.distance < box.spacing_mm[0] / 2).cpu().numpy()
    own_frame = box.in_own_frame()
    field = back.cpu().numpy()
    rigid_nodes &= ~untangle(field, in_bone, own_frame, options.untangling_rounds)
    forth = invert_displacement(torch.from_numpy(field).to(motion.device), box)
    nearest_before = _write_rigid(forth, nodes, bones, box, forward=True)
    inverse_field = forth.cpu().numpy()
    before = (nearest_before.distance < box.spacing_mm[0] / 2).cpu().numpy()
    untangle(inverse_field, before, own_frame, options.untangling_rounds)
    axes = box.axes.astype(np.float32)
    return Deformation(
        global_rigid=global_rigid,
        poses=dict(poses),
        box=box,
        mr_to_ct_field=field @ axes.T,
        ct_to_mr_field=inverse_field @ axes.T,
        rigid_nodes=rigid_nodes,
        overlap=nearest.overlap,
    )


def _rigid_margin(box: Grid) -> float:
    return RIGID_MARGIN_VOXELS * box.spacing_mm[0]


def bone_motion(bones: Sequence[Bone], box: Grid, options: DeformationOptions) -> torch.Tensor:
    """Displacement (z, y, x, 3) in box mm from every `stride`-th node to its place before the motion."""
    coarse = node_coordinates(box.coarse(options.stride), bones[0].distance.device)
    return integrate_back(coarse, bones, box, options) - coarse


def compose(
    bones_motion: torch.Tensor, soft: torch.Tensor, options: DeformationOptions, box: Grid
) -> torch.Tensor:
    """The bones' motion after the soft tissue's: both and the result (z, y, x, 3) in box mm.

    `soft` leads from MR points to where the bones' motion alone explains them; it is zero on the moved
    bones and at the border of the box.
    """
    coarse = box.coarse(options.stride)
    return soft + sample_vectors(
        bones_motion, node_coordinates(coarse, soft.device) + soft, coarse.spacing_mm[0]
    )


def _write_rigid(
    displacement: torch.Tensor, nodes: torch.Tensor, bones: Sequence[Bone], box: Grid, forward: bool
) -> NearestBone:
    """Store the exact rigid motion at every node in or beside a bone; return which bone that is."""
    time = 0.0 if forward else 1.0
    nearest = distance_from_bones(nodes, bones, box, time, _rigid_margin(box))
    near = nearest.distance <= _rigid_margin(box)
    for index, bone in enumerate(bones):
        inside = near & (nearest.index == index)
        matrix = rigid.exp(bone.logarithm if forward else -bone.logarithm)
        points = nodes[inside]
        linear = torch.as_tensor(matrix[:3, :3] - np.eye(3), dtype=torch.float32, device=nodes.device)
        offset = torch.as_tensor(matrix[:3, 3], dtype=torch.float32, device=nodes.device)
        displacement[inside] = points @ linear.T + offset
    return nearest


def _fade_border(displacement: torch.Tensor) -> None:
    """Make the displacement exactly zero on the outermost nodes."""
    for axis in range(3):
        displacement.select(axis, 0).zero_()
        displacement.select(axis, displacement.shape[axis] - 1).zero_()
