"""Bones are solid: how deep neighbouring vertebrae reach into each other, as a term of the pose steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from ..geometry.distance import signed_distance_map
from ..geometry.sampling import value_and_gradient

ALLOWED_MM = 1.0
"""Neither labels nor facet joints are known more exactly; bones that reach deeper push each other away."""
DEPTH_SD_MM = 0.5
"""Standard deviation of what exceeds it."""
NEAR_MM = 14.0
"""Surface further from the neighbour than this before the motion does not reach it."""
POINTS = 300
"""Most points of a surface that are looked at."""


@dataclass(frozen=True)
class Face:
    """The surface of one vertebra that lies opposite a neighbour; both numbered in the order of the poses.

    Attributes:
        bone: whose surface it is.
        other: the neighbour.
        points: (p, 3) float64 box mm before the motion.
        distance: (z, y, x) float32 mm from the neighbour's surface before the motion, negative inside.
        first: (3,) box mm of the first node of `distance`.
        spacing_mm: of its nodes.
        worth: of each point, so that a face counts by its area.
    """

    bone: int
    other: int
    points: torch.Tensor
    distance: torch.Tensor
    first: torch.Tensor
    spacing_mm: float
    worth: float


@dataclass(frozen=True)
class Push:
    """What one face adds to the normal equations of s starts.

    Attributes:
        bone, other: as in `Face`.
        places: (s, p, 3) where the points are.
        normal: (s, p, 3) away from the neighbour, per mm, over the standard deviation of the depth.
        excess: (s, p) depth beyond the allowed one in standard deviations, times the root of the worth.
    """

    bone: int
    other: int
    places: torch.Tensor
    normal: torch.Tensor
    excess: torch.Tensor


def opposite_faces(
    labels: NDArray[Any], numbers: Sequence[int], spacing_mm: float, device: torch.device | str = "cpu"
) -> tuple[Face, ...]:
    """The faces of all neighbours, both ways.

    Args:
        labels: (z, y, x) vertebra numbers on an isotropic box before the residual motion.
        numbers: VerSe numbers in the order of the poses.
        spacing_mm: of the box.
        device: of the tensors.
    """
    margin = int(np.ceil(NEAR_MM / spacing_mm))
    maps = [
        signed_distance_map(labels == n, margin, spacing_mm) if (labels == n).any() else None for n in numbers
    ]
    faces = []
    for bone, other in [pair for v in range(len(numbers) - 1) for pair in ((v, v + 1), (v + 1, v))]:
        known = maps[other]
        if known is None or maps[bone] is None:
            continue
        start, distance = known
        window = tuple(slice(s, s + n) for s, n in zip(start[::-1], distance.shape, strict=True))
        mask = labels[window] == numbers[bone]
        surface = mask & ~binary_erosion(mask, border_value=1) & (distance < NEAR_MM)
        index = np.argwhere(surface)[:, ::-1] + np.array(start)
        if not len(index):
            continue
        chosen = index[:: -(-len(index) // POINTS)]
        faces.append(
            Face(
                bone,
                other,
                torch.tensor(chosen * spacing_mm, dtype=torch.float64, device=device),
                torch.from_numpy(distance).to(device),
                torch.tensor(np.array(start) * spacing_mm, dtype=torch.float64, device=device),
                spacing_mm,
                spacing_mm**2 * len(index) / len(chosen),
            )
        )
    return tuple(faces)


def push(face: Face, rotation: torch.Tensor, translation: torch.Tensor, center: torch.Tensor) -> Push | None:
    """How a face presses on the neighbour under the poses of s starts; None where it does not.

    Args:
        face: see there.
        rotation, translation: (s, n, 3, 3) and (s, n, 3) of all vertebrae, box mm.
        center: (n, 3) their pivots.
    """
    a, b = face.bone, face.other
    local = face.points - center[a]
    places = local @ rotation[:, a].transpose(-1, -2) + (center[a] + translation[:, a])[:, None]
    back = (places - (center[b] + translation[:, b])[:, None]) @ rotation[:, b] + center[b]
    index = (back - face.first) / face.spacing_mm
    depth, slopes = value_and_gradient(face.distance[..., None], index.reshape(-1, 3).float())
    excess = (-depth[:, 0].double() - ALLOWED_MM).clamp(min=0).reshape(places.shape[:-1])
    if not excess.any():
        return None
    scale = face.worth**0.5 / DEPTH_SD_MM
    normal = torch.cat(slopes, -1).double().reshape(places.shape) / face.spacing_mm
    normal = normal @ rotation[:, b].transpose(-1, -2)
    return Push(a, b, places, normal * (excess > 0)[..., None] * scale, excess * scale)
