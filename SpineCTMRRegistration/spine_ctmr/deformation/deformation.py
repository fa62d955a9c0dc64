"""The registration's answer as a deformation: rigid in bone, smooth between, and its inverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from ..geometry.boxes import node_coordinates
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.sampling import sample_field
from ..geometry.transforms import Displacement, Part, composed
from .bones import Bone, NearestBone, distance_from_bones, with_cores
from .fold_smoothing import smooth_folds
from .inversion import approximate_inverse, refine_grid, refine_inverse
from .options import DeformationOptions
from .polyrigid import integrate_back
from .untangling import untangle

RIGID_MARGIN_VOXELS = 1.8
"""Nodes this close to a bone move with it: the diagonal of a cell, so that cells that hold bone are rigid."""
RIGID_REFINEMENT = 32
"""How much finer the displacement is stored in bone: det J there stays within 1e-3 of 1."""


@dataclass(frozen=True)
class Deformation:
    """A spine's motion between CT and MR.

    Attributes:
        global_rigid: CT→MR motion followed by everything outside the box.
        poses: CT→MR motion of each vertebra, by VerSe number.
        box: isotropic grid around the spine, in the MR frame.
        mr_to_ct_field: (z, y, x, 3) LPS mm D with `mr_to_ct(p) = inverse(global_rigid)(p + D(p))`.
        ct_to_mr_field: (z, y, x, 3) LPS mm E with `ct_to_mr(p) = q + E(q)`, `q = global_rigid(p)`.
        contact: share of each bone's voxels at which `mr_to_ct_field` is not the bone's rigid motion,
            because they share a grid cell with another bone or had to give way to keep it from folding.
        overlap: share of each moved bone that lies inside another moved bone.
    """

    global_rigid: Pose
    poses: Mapping[int, Pose]
    box: Grid
    mr_to_ct_field: NDArray[Any]
    ct_to_mr_field: NDArray[Any]
    contact: Mapping[int, float]
    overlap: Mapping[int, float]

    def mr_to_ct(self) -> sitk.CompositeTransform:
        """Maps an MR point to the CT point showing the same tissue (resamples the CT onto the MR).

        Made anew, in double precision: 24 bytes a node of the box.
        """
        return composed(self.mr_to_ct_parts)

    def ct_to_mr(self) -> sitk.CompositeTransform:
        """Maps a CT point to the MR point showing the same tissue (moves CT points and models); made anew."""
        return composed(self.ct_to_mr_parts)

    @property
    def mr_to_ct_displacement(self) -> Displacement:
        """D of `mr_to_ct`, between the MR and the CT after `global_rigid`."""
        return Displacement(self.mr_to_ct_field, self.box)

    @property
    def ct_to_mr_displacement(self) -> Displacement:
        """E of `ct_to_mr`, between the CT after `global_rigid` and the MR."""
        return Displacement(self.ct_to_mr_field, self.box)

    @property
    def mr_to_ct_parts(self) -> list[Part]:
        """`mr_to_ct` in the order of ITK's composites: the last part moves a point first."""
        return [self.global_rigid.inverse.to_sitk(self.box.center_mm), self.mr_to_ct_displacement]

    @property
    def ct_to_mr_parts(self) -> list[Part]:
        """`ct_to_mr` in the order of ITK's composites."""
        forth = self.global_rigid.to_sitk(self.global_rigid.inverse.apply(self.box.center_mm))
        return [self.ct_to_mr_displacement, forth]


def build_deformation(
    bones: Sequence[Bone],
    box: Grid,
    poses: Mapping[int, Pose],
    global_rigid: Pose,
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
    spacing = box.spacing_mm[0]
    nearest = with_cores(distance_from_bones(bones, box, 1.0, _rigid_margin(box)), bones, box, 1.0)
    back = refine_grid(_without_folds(motion, nearest, box, options), box.shape)
    _fade_border(back)
    _write_rigid(back, nearest, bones, box, forward=False)
    _round(back, nearest.distance <= _rigid_margin(box), options.resolution_mm)
    field = back.cpu().numpy()
    moved = untangle(field, nearest.distance.cpu().numpy(), spacing, options.untangling_rounds)
    contact, overlap = _contact(nearest, moved, bones, box), nearest.overlap
    del nearest
    back = torch.from_numpy(field).to(motion.device)
    forth = approximate_inverse(back, box)
    nearest_before = distance_from_bones(bones, box, 0.0, _rigid_margin(box))
    nearest_before = with_cores(nearest_before, bones, box, 0.0)
    _write_rigid(forth, nearest_before, bones, box, forward=True)
    known, exact = nearest_before.distance <= _rigid_margin(box), nearest_before.distance < 0
    refine_inverse(forth, back, spacing, known, exact)
    _round(forth, known, options.resolution_mm)
    inverse_field = forth.cpu().numpy()
    untangle(inverse_field, nearest_before.distance.cpu().numpy(), spacing, options.untangling_rounds)
    axes = box.axes.astype(np.float32)
    return Deformation(
        global_rigid=global_rigid,
        poses=dict(poses),
        box=box,
        mr_to_ct_field=_turned(field, axes),
        ct_to_mr_field=_turned(inverse_field, axes),
        contact=contact,
        overlap=overlap,
    )


def _without_folds(
    motion: torch.Tensor, nearest: NearestBone, box: Grid, options: DeformationOptions
) -> torch.Tensor:
    """The motion of every `stride`-th node, smoothed where it folds away from the moved bones."""
    skip = options.stride
    near = (nearest.distance[::skip, ::skip, ::skip] <= _rigid_margin(box)).cpu().numpy()
    smoothed = motion.cpu().numpy().copy()
    smooth_folds(smoothed, near, box.coarse(skip).in_own_frame())
    return torch.from_numpy(smoothed).to(motion.device)


def _round(displacement: torch.Tensor, rigid: torch.Tensor, resolution_mm: float) -> None:
    """Round a displacement (z, y, x, 3) in place, finer at the nodes of a mask (z, y, x)."""
    if resolution_mm:
        step = torch.where(rigid, resolution_mm / RIGID_REFINEMENT, resolution_mm)[..., None]
        displacement.div_(step).round_().mul_(step)


def _turned(field: NDArray[Any], axes: NDArray[Any]) -> NDArray[Any]:
    return field if np.array_equal(axes, np.eye(3)) else field @ axes.T


def _rigid_margin(box: Grid) -> float:
    return RIGID_MARGIN_VOXELS * box.spacing_mm[0]


def _contact(
    nearest: NearestBone, moved: NDArray[np.int64], bones: Sequence[Bone], box: Grid
) -> dict[int, float]:
    """Share of each bone's voxels that after the motion lie in a cell which is not rigid with the bone."""
    owner = nearest.index.cpu().numpy().copy()
    owner[(nearest.distance > _rigid_margin(box)).cpu().numpy()] = -1
    owner.reshape(-1)[moved] = -1
    shares = {}
    for number, bone in enumerate(bones):
        voxels = np.argwhere((bone.distance == 0).cpu().numpy())[:, ::-1] + np.array(bone.start)
        places = Pose.exp(bone.logarithm).apply(voxels * box.spacing_mm[0]) / box.spacing_mm[0]
        cells = np.floor(places).astype(int).clip(0, np.array(box.size) - 2)
        alike = np.ones(len(cells), bool)
        for x, y, z in np.ndindex(2, 2, 2):
            alike &= owner[cells[:, 2] + z, cells[:, 1] + y, cells[:, 0] + x] == number
        shares[bone.number] = float(1 - alike.mean()) if len(alike) else 0.0
    return shares


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
    return soft + sample_field(
        bones_motion, node_coordinates(coarse, soft.device) + soft, coarse.spacing_mm[0]
    )


def _write_rigid(
    displacement: torch.Tensor,
    nearest: NearestBone,
    bones: Sequence[Bone],
    box: Grid,
    forward: bool,
) -> None:
    """Store the exact rigid motion at every node in or beside a bone."""
    margin = _rigid_margin(box)
    for index, (bone, region) in enumerate(zip(bones, nearest.regions, strict=True)):
        inside = (nearest.distance[region] <= margin) & (nearest.index[region] == index)
        motion = Pose.exp(bone.logarithm if forward else -bone.logarithm)
        points = node_coordinates(box, displacement.device, region)[inside]
        linear = torch.as_tensor(motion.rotation - np.eye(3), dtype=torch.float32, device=points.device)
        offset = torch.tensor(motion.translation_mm, dtype=torch.float32, device=points.device)
        displacement[region][inside] = points @ linear.T + offset


def _fade_border(displacement: torch.Tensor) -> None:
    """Make the displacement exactly zero on the outermost nodes."""
    for axis in range(3):
        displacement.select(axis, 0).zero_()
        displacement.select(axis, displacement.shape[axis] - 1).zero_()
