"""How a network finds the vertebrae: it looks at the spine piece by piece, and again where it was far off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from .alignment.bending import bend_field, bent_motions
from .alignment.start import Start
from .geometry.boxes import node_coordinates, spine_box
from .geometry.pose import Pose
from .geometry.sampling import sample_field
from .imaging.case import Case
from .imaging.label_voxels import bone_corners, bone_points
from .imaging.resampling import case_on_grid
from .imaging.vertebra_names import cranial_to_caudal
from .network.prediction import MARGIN_MM, poses_from_displacement, predict_displacement
from .network.runtime import LoadedNetwork
from .progress import Progress

BEND_STRIDE = 4
"""The bend is kept at every fourth node of the network's grid."""
SURE_REACH_MM = 5.0
"""Where the network moves a vertebra further, it looks once more from there; its matches end at 12 mm."""
MOST_LOOKS = 4
LONGEST_PIECE = 8
"""Vertebrae at which the network looks at once: the box around a whole, bent spine is mostly empty."""

Corners = Mapping[int, NDArray[Any]]
"""LPS points (n, 3) that span the bone in the CT, by VerSe number."""


def looked_at(
    network: LoadedNetwork, case: Case, start: Start, most_looks: int, progress: Progress
) -> tuple[Start, dict[int, Pose]]:
    """The start as near as the network can bring it, and the network's pose of every vertebra.

    Args:
        network: a loaded network.
        case: the images and the CT's labels.
        start: from where it looks first.
        most_looks: how often it may look at a vertebra; 0 leaves it out.
        progress: told the share done.

    Returns:
        The start moved and bent as the poses say, and the poses, CT→MR in LPS mm, by VerSe number.

    Raises:
        InputError: the network was not made for a CT and an MR.
    """
    network.card.require_ct_and_mr()
    corners, near = bone_corners(case.vertebrae), start
    poses: dict[int, Pose] = {}
    sought: Iterable[int] = corners
    for look in range(most_looks):
        seen_from, pieces = near, pieces_of(corners, sought)
        for k, piece in enumerate(pieces):
            progress("network", (look + k / len(pieces)) / most_looks)
            poses |= _network_poses(network, case, {n: corners[n] for n in piece}, seen_from)
        near = _nearer(seen_from, corners, poses)
        sought = [n for n in corners if _moved_mm(seen_from, near, n, corners[n]) > SURE_REACH_MM]
        if not sought:
            break
    return near, poses


def pieces_of(numbers: Iterable[int], sought: Iterable[int]) -> list[list[int]]:
    """The sought vertebrae of a spine in runs of neighbours, none longer than `LONGEST_PIECE`.

    Args:
        numbers: VerSe numbers of the spine.
        sought: some of them.
    """
    wanted, pieces = set(sought), []
    for is_wanted, run in groupby(cranial_to_caudal(numbers), key=wanted.__contains__):
        if is_wanted:
            members = list(run)
            parts = np.array_split(members, -(-len(members) // LONGEST_PIECE))
            pieces += [part.tolist() for part in parts]
    return pieces


def _network_poses(network: LoadedNetwork, case: Case, corners: Corners, start: Start) -> dict[int, Pose]:
    """What the network says of these vertebrae when it sees the CT moved and bent by the start."""
    moved = np.concatenate([start.motions[n].apply(c) for n, c in corners.items()])
    scale = network.card.look_scale
    grid = spine_box(moved, scale * network.card.spacing_mm, MARGIN_MM, np.eye(3), BEND_STRIDE)
    coarse = grid.coarse(BEND_STRIDE)
    bend = bend_field(start.motions, start.ct_centers, start.global_rigid, coarse)
    bent = sitk.DisplacementFieldTransform(coarse.image(bend))
    to_ct = sitk.CompositeTransform([start.global_rigid.inverse.to_sitk(), bent])
    displacement = scale * predict_displacement(network, *case_on_grid(case, grid, to_ct))
    places = node_coordinates(grid) + displacement
    displacement += sample_field(torch.from_numpy(bend).float(), places, coarse.spacing_mm[0])
    bones = bone_points(case.vertebrae, corners, grid.spacing_mm[0])
    return poses_from_displacement(displacement, grid, bones, start.motions, start.global_rigid)


def _nearer(start: Start, corners: Corners, poses: Mapping[int, Pose]) -> Start:
    """The start moved and bent as the poses of the vertebrae say, where there are any."""
    if not poses:
        return start
    found = {n: corners[n] for n in poses}
    moved = {n: pose.apply(corners[n]) for n, pose in poses.items()}
    global_rigid = Pose.nearest(poses, corners)
    motions = bent_motions(start.ct_centers, global_rigid, found, moved)
    return replace(start, global_rigid=global_rigid, motions=motions)


def _moved_mm(first: Start, second: Start, number: int, corners: NDArray[Any]) -> float:
    """How far apart two starts take a vertebra: the mean over its corners."""
    apart = first.motions[number].apply(corners) - second.motions[number].apply(corners)
    return float(np.linalg.norm(apart, axis=-1).mean())
