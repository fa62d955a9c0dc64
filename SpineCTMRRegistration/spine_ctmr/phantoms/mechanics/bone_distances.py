"""Signed distances of points from the bones of an anatomy, at rest or moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...geometry.pose import Pose
from ..anatomy import Anatomy
from ..bone_shape import bone_distance, bounds
from ..vertebra import VertebraShape

FAR_MM = 1e3
"""Distance given to points outside the box that holds a bone."""
_CHUNK = 1 << 17


@dataclass(frozen=True)
class NearestBones:
    """The two bones nearest to each of n points.

    Attributes:
        first, second: (n,) index of the bones in the anatomy.
        distance, second_distance: (n,) mm, negative in the bone; `FAR_MM` where there is none near.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distance: NDArray[Any]
    second_distance: NDArray[Any]


def bone_depth(shape: VertebraShape, frame: Pose, seed: int, points: NDArray[Any]) -> NDArray[Any]:
    """Signed distance (n,) in mm of LPS points (n, 3) from one bone with a frame; `FAR_MM` if far."""
    local = frame.inverse.apply(points)
    low, high = bounds(shape)
    near = np.flatnonzero(((local > low) & (local < high)).all(1))
    distance = np.full(len(points), FAR_MM, np.float32)
    for part in np.array_split(near, len(near) // _CHUNK + 1):
        rows = torch.tensor(local[part].T, dtype=torch.float32).contiguous()
        distance[part] = bone_distance(shape, rows, seed).numpy()
    return distance


def nearest_bones(
    anatomy: Anatomy, points: NDArray[Any], poses: Mapping[int, Pose] | None = None
) -> NearestBones:
    """The two bones nearest to LPS points (n, 3), the bones moved by `poses` if there are any."""
    result = NearestBones(
        np.zeros(len(points), int),
        np.zeros(len(points), int),
        np.full(len(points), FAR_MM, np.float32),
        np.full(len(points), FAR_MM, np.float32),
    )
    for index, frame in enumerate(_moved_frames(anatomy, poses)):
        depth = bone_depth(anatomy.vertebrae[index], frame, anatomy.texture_seed, points)
        _insert(result, index, depth)
    return result


def _moved_frames(anatomy: Anatomy, poses: Mapping[int, Pose] | None) -> Sequence[Pose]:
    if poses is None:
        return anatomy.frames
    return [poses[n] @ frame for n, frame in zip(anatomy.numbers, anatomy.frames, strict=True)]


def _insert(nearest: NearestBones, index: int, depth: NDArray[Any]) -> None:
    wins = depth < nearest.distance
    nearest.second[wins], nearest.second_distance[wins] = nearest.first[wins], nearest.distance[wins]
    nearest.first[wins], nearest.distance[wins] = index, depth[wins]
    follows = ~wins & (depth < nearest.second_distance)
    nearest.second[follows], nearest.second_distance[follows] = index, depth[follows]
