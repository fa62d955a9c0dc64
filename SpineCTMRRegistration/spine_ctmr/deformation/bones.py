"""Bones of the deformation: where each one is and how it moves, in the frame of a box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects

from ..geometry.boxes import Region, node_coordinates, to_box
from ..geometry.distance import distance_map, index_extent
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.sampling import linear_samples
from ..geometry.voxels import array_view

CORE_DEPTH_MM = (1.25, 3.5)
"""From the centres of voxels that are no bone: a voxel of 1 mm inside, and as deep as the cells of another
bone may reach unless the two penetrate each other."""
BETWEEN_VOXELS = np.array(list(product((-0.25, 0.25), repeat=3)))
"""So that every cell that a voxel reaches into after a rotation is found."""
NOBODY, CLAIMED_TWICE = -1, -2
INSIDE_VOXELS = -1.0
"""Stands for the distance of a node that a bone's core needs."""


@dataclass(frozen=True)
class Bone:
    """One rigid body before its residual motion.

    Coordinates are *box coordinates*: millimetres along the axes of the box grid, measured from its
    first node, after the global rigid motion (so the body is near its place in the MR).

    Attributes:
        number: VerSe vertebra number.
        start: box index (x, y, z) of the first voxel of `distance`.
        distance: (z, y, x) float32 mm to the nearest bone voxel, 0 in the bone.
        low, high: first and past-last box index (x, y, z) of the bone's own voxels.
        core: (n, 3) box mm, points below the bone's surface that stay rigid beside other bones.
        logarithm: (4, 4) matrix logarithm of the residual motion.
    """

    number: int
    start: tuple[int, int, int]
    distance: torch.Tensor
    low: tuple[int, int, int]
    high: tuple[int, int, int]
    core: NDArray[Any]
    logarithm: NDArray[Any]

    def to(self, device: str) -> Bone:
        """The bone with its distances on a device."""
        return replace(self, distance=self.distance.to(device))


def make_bones(
    labels: NDArray[Any],
    box: Grid,
    poses: Mapping[int, Pose],
    global_rigid: Pose,
    reach_mm: float,
    cores: Mapping[int, NDArray[Any]] | None = None,
) -> list[Bone]:
    """Bones with distance maps out to `reach_mm` and the residual motions of their poses.

    Args:
        labels: (z, y, x) numbers on the box after the global rigid motion (`labels_in_box`).
        box: isotropic grid of `labels`.
        poses: CT→MR rigid poses in LPS mm.
        global_rigid: the global CT→MR motion.
        reach_mm: how far the distance maps extend.
        cores: LPS mm points (n, 3) in the CT that stay rigid beside other bones (`core_points`).
    """
    margin = int(np.ceil(reach_mm / box.spacing_mm[0]))
    bones = []
    for number, pose in poses.items():
        mask = labels == number
        if not mask.any():
            continue
        residual = to_box(pose @ global_rigid.inverse, box)
        start, distance = distance_map(mask, margin, box.spacing_mm[0])
        low, high = index_extent(mask)
        core = (
            np.empty((0, 3))
            if cores is None
            else (global_rigid.apply(cores[number]) - box.origin_mm) @ box.axes
        )
        bones.append(Bone(number, start, torch.from_numpy(distance), low, high, core, residual.log))
    return bones


def core_points(labels: sitk.Image) -> dict[int, NDArray[Any]]:
    """LPS mm (n, 3) in and around voxels just below the surface of each bone, by number.

    Args:
        labels: vertebra numbers in the CT.
    """
    grid = Grid.of(labels)
    array = array_view(labels)
    points = {}
    for number, where in enumerate(find_objects(array), 1):
        if where is None:
            continue
        bone = np.pad(array[where] == number, 1)
        depth = distance_transform_edt(bone, sampling=grid.spacing_mm[::-1])
        shell = (depth >= CORE_DEPTH_MM[0]) & (depth <= CORE_DEPTH_MM[1])
        first = np.array([part.start - 1 for part in where])
        voxels = (np.argwhere(shell) + first)[:, None, ::-1] + BETWEEN_VOXELS
        points[number] = grid.to_points(voxels.reshape(-1, 3))
    return points


def distance_at(bone: Bone, points: torch.Tensor, time: float, spacing_mm: float) -> torch.Tensor:
    """Distance in mm from box points (..., 3) to a bone that has moved for `time` in [0, 1].

    Points beyond the bone's distance map get the distance of its border.
    """
    back = Pose.exp(-time * bone.logarithm)
    size = np.array(bone.distance.shape[::-1])
    scale = 2 / (spacing_mm * np.maximum(size - 1, 1))
    linear = torch.as_tensor(back.rotation * scale[:, None], dtype=torch.float32, device=points.device)
    offset = (back.translation_mm - np.array(bone.start) * spacing_mm) * scale - 1
    where = points.reshape(-1, 3) @ linear.T + torch.as_tensor(
        offset, dtype=torch.float32, device=points.device
    )
    return linear_samples(bone.distance[None], where)[0].reshape(points.shape[:-1])


def region_of(bone: Bone, box: Grid, within_mm: float, stride: int = 1) -> Region:
    """Part (z, y, x) of every `stride`-th node that lies within a distance of the bone, by its box."""
    return _nodes_between(np.array(bone.low), np.array(bone.high) - 1, box, within_mm, stride)


def moved_region(bone: Bone, box: Grid, within_mm: float, time: float, stride: int = 1) -> Region:
    """The same for a bone that has moved for `time` in [0, 1]."""
    spacing = box.spacing_mm[0]
    ends = np.array([bone.low, np.array(bone.high) - 1]) * spacing
    corners = np.array([(x, y, z) for x in ends[:, 0] for y in ends[:, 1] for z in ends[:, 2]])
    moved = Pose.exp(time * bone.logarithm).apply(corners) / spacing
    return _nodes_between(moved.min(0), moved.max(0), box, within_mm, stride)


def _nodes_between(low: NDArray[Any], high: NDArray[Any], box: Grid, within_mm: float, stride: int) -> Region:
    """Every `stride`-th node between two box indices (x, y, z), and within a distance of that."""
    reach = within_mm / box.spacing_mm[0]
    first = np.ceil(np.maximum(low - reach, 0) / stride).astype(int)
    past = np.floor(np.minimum(high + reach, np.array(box.size) - 1) / stride).astype(int) + 1
    x, y, z = (slice(int(a), int(max(a, b))) for a, b in zip(first, past, strict=True))
    return z, y, x


def largest_motion_mm(bones: Sequence[Bone], box: Grid) -> float:
    """Largest displacement that any bone gives the corners of its own distance map."""
    largest = 0.0
    for bone in bones:
        ends = np.array([bone.start, np.add(bone.start, bone.distance.shape[::-1])]) * box.spacing_mm[0]
        corners = np.array([(x, y, z) for x in ends[:, 0] for y in ends[:, 1] for z in ends[:, 2]])
        moved = Pose.exp(bone.logarithm).apply(corners) - corners
        largest = max(largest, float(np.linalg.norm(moved, axis=1).max()))
    return largest


@dataclass(frozen=True)
class NearestBone:
    """Which bone is nearest to each node: (z, y, x) distance in mm and index, and mutual overlaps.

    Attributes:
        regions: by bone, the part of the nodes that holds all nodes within the distance asked for.
    """

    distance: torch.Tensor
    index: torch.Tensor
    overlap: dict[int, float]
    regions: list[Region]


def distance_from_bones(
    bones: Sequence[Bone], box: Grid, time: float, within_mm: float, stride: int = 1
) -> NearestBone:
    """Nearest bone of every `stride`-th node of the box when the bones have moved for `time` in [0, 1].

    Distances beyond `within_mm` may be infinite.
    """
    spacing, nodes = box.spacing_mm[0], box.coarse(stride)
    device = bones[0].distance.device if bones else torch.device("cpu")
    distance = torch.full(nodes.shape, torch.inf, device=device)
    index = torch.full(nodes.shape, -1, dtype=torch.int16, device=device)
    cover = torch.zeros(nodes.shape, dtype=torch.uint8, device=device)
    covered, regions = [], []
    for number, bone in enumerate(bones):
        region = moved_region(bone, box, within_mm, time, stride)
        own = distance_at(bone, node_coordinates(nodes, device, region), time, spacing)
        closer = own < distance[region]
        distance[region] = torch.where(closer, own, distance[region])
        index[region].masked_fill_(closer, number)
        inside = own < spacing / 2
        cover[region] += inside
        covered.append(inside)
        regions.append(region)
    overlap = {
        bone.number: float((cover[region][inside] > 1).float().mean()) if inside.any() else 0.0
        for bone, region, inside in zip(bones, regions, covered, strict=True)
    }
    return NearestBone(distance, index, overlap, regions)


def with_cores(nearest: NearestBone, bones: Sequence[Bone], box: Grid, time: float) -> NearestBone:
    """The same, where every corner of a cell that holds a bone's core belongs to that bone.

    Such nodes get the distance `INSIDE_VOXELS`. Linear interpolation between them is rigid with the bone,
    however near another one is. Where two cores meet in a cell, the bones penetrate each other and the
    nearest keeps the node.
    """
    spacing = box.spacing_mm[0]
    owner = np.full(nearest.index.shape, NOBODY, np.int16)
    for number, bone in enumerate(bones):
        places = Pose.exp(time * bone.logarithm).apply(bone.core) / spacing
        x, y, z = np.floor(places).astype(np.int64).clip(0, np.array(box.size) - 2).T
        mine = np.zeros(owner.shape, bool)
        mine[z, y, x] = True
        mine[1:] |= mine[:-1]
        mine[:, 1:] |= mine[:, :-1]
        mine[..., 1:] |= mine[..., :-1]
        owner[mine] = np.where(owner[mine] == NOBODY, number, CLAIMED_TWICE)
    found = torch.from_numpy(owner).to(nearest.index.device)
    held = found >= 0
    return replace(
        nearest,
        distance=nearest.distance.masked_fill(held, INSIDE_VOXELS * spacing),
        index=torch.where(held, found, nearest.index),
    )
