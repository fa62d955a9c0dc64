"""A segmented spine as a patient's anatomy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects, map_coordinates

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.voxels import array_view
from ..imaging.vertebra_names import VERSE_NUMBERS, cranial_to_caudal
from .anatomy import Anatomy, make_body
from .measured_bone import MeasuredBone
from .vertebra import VertebraShape, typical_sizes

_SPACING_MM, _MARGIN_MM, _STEP_MM, _REACH_MM = 1.0, 6.0, 0.5, 60.0
_FEWEST = 3
"""Vertebrae that tell the course of a spine beyond them."""
_LARGEST_CUT = 0.3
"""Area on the border of a label map, relative to the vertebra's volume to the power of 2/3."""
Depths = NDArray[Any]
"""Signed distances (z, y, x) in mm, negative in the bone."""


@dataclass(frozen=True)
class MeasuredSpine:
    """The vertebrae of a label map.

    Attributes:
        shapes: from cranial to caudal.
        frames: vertebra frame → LPS mm, in the same order.
    """

    shapes: tuple[VertebraShape, ...]
    frames: tuple[Pose, ...]

    def near(self, middle: int, reach_mm: float) -> MeasuredSpine:
        """The vertebrae whose bodies lie within `reach_mm` of the one with index `middle`."""
        here = self.frames[middle].translation_mm
        heights = [float(np.linalg.norm(frame.translation_mm - here)) for frame in self.frames]
        kept = [i for i, height in enumerate(heights) if height <= reach_mm]
        return MeasuredSpine(tuple(self.shapes[i] for i in kept), tuple(self.frames[i] for i in kept))


def measured_spine(labels: sitk.Image) -> MeasuredSpine:
    """The vertebrae of a label map (VerSe numbers), in its LPS mm.

    Those that its border cuts through, more than the tip of a process, are left out.

    Raises:
        InputError: the label map holds fewer than three whole vertebrae.
    """
    grid, array = Grid.of(labels), array_view(labels).copy()
    boxes = {n: box for n, box in enumerate(find_objects(array), 1) if box and n in VERSE_NUMBERS}
    whole = [n for n in boxes if _cut(array == n, grid) < _LARGEST_CUT]
    if len(whole) < _FEWEST:
        raise InputError(
            f"The label map holds {len(whole)} whole vertebrae; give {_FEWEST} or more, numbered as in VerSe."
        )
    parts = [_Part.of(array, grid, boxes[n], n) for n in cranial_to_caudal(whole)]
    middles = np.array([part.body_center() for part in parts])
    measured = [_measured(part, middles[i], _up(middles, i)) for i, part in enumerate(parts)]
    return MeasuredSpine(tuple(shape for _, shape in measured), tuple(frame for frame, _ in measured))


def anatomy_around(rng: np.random.Generator, spine: MeasuredSpine) -> Anatomy:
    """A patient with this spine; discs, canal and body are placed by the vertebrae, the rest is random."""
    body = make_body(rng, 1.0, spine.frames)
    return Anatomy(spine.shapes, spine.frames, body, int(rng.integers(2**31)))


@dataclass(frozen=True)
class _Part:
    """One vertebra of a label map: signed distances in mm on the part of the grid that holds it."""

    number: int
    depth: Depths
    grid: Grid
    centroid: NDArray[Any]

    @classmethod
    def of(cls, array: NDArray[Any], grid: Grid, box: tuple[slice, ...], number: int) -> _Part:
        margin = [int(np.ceil(_MARGIN_MM / s)) + 1 for s in grid.spacing_mm[::-1]]
        first = [max(part.start - m, 0) for part, m in zip(box, margin, strict=True)]
        last = [min(part.stop + m, n) for part, m, n in zip(box, margin, array.shape, strict=True)]
        mask = array[tuple(slice(a, b) for a, b in zip(first, last, strict=True))] == number
        place = grid.crop(np.array(first[::-1]), np.array(mask.shape[::-1]))
        centroid = place.to_points(np.argwhere(mask)[:, ::-1]).mean(0)
        return cls(number, _signed_distance(mask, place), place, centroid)

    def body_center(self) -> NDArray[Any]:
        """The middle of the thickest part, LPS mm."""
        where = np.argwhere(self.depth < 0.6 * self.depth.min())[:, ::-1]
        return self.grid.to_points(where).mean(0)


def _cut(mask: NDArray[Any], grid: Grid) -> float:
    """The largest area of a vertebra on one face of the label map, relative to its volume^(2/3)."""
    areas = grid.voxel_volume_mm3 / np.array(grid.spacing_mm[::-1])
    faces = (mask.take(end, axis).sum() * area for axis, area in enumerate(areas) for end in (0, -1))
    return float(max(faces) / (mask.sum() * grid.voxel_volume_mm3) ** (2 / 3))


def _signed_distance(mask: NDArray[Any], grid: Grid) -> Depths:
    spacing = grid.spacing_mm[::-1]
    inside = distance_transform_edt(mask, sampling=spacing)
    outside = distance_transform_edt(~mask, sampling=spacing)
    half = min(spacing) / 2
    return np.where(mask, half - inside, outside - half).astype(np.float32)


def _up(middles: NDArray[Any], i: int) -> NDArray[Any]:
    if len(middles) == 1:
        return np.array([0.0, 0.0, 1.0])
    axis = middles[max(i - 1, 0)] - middles[min(i + 1, len(middles) - 1)]
    return axis / np.linalg.norm(axis)


def _measured(part: _Part, middle: NDArray[Any], up: NDArray[Any]) -> tuple[Pose, VertebraShape]:
    """Frame and shape of one vertebra; its arch lies behind its body."""
    number, depth, grid = part.number, part.depth, part.grid
    to_centroid = part.centroid - middle
    back = to_centroid - (to_centroid @ up) * up
    back = back / max(float(np.linalg.norm(back)), 1e-6)
    axes = np.stack([np.cross(back, up), back, up], 1)
    typical = typical_sizes(number)
    sizes = []
    for axis, size in zip((1, 0, 2), (typical[1], typical[0], typical[2]), strict=True):
        direction = axes[:, axis]
        low, high = (_edge(depth, grid, middle, side * direction, 0.8 * size) for side in (-1, 1))
        middle = middle + (high - low) / 2 * direction
        sizes.append(low + high)
    gap = _gap(depth, grid, middle + sizes[0] / 2 * back, back)
    radius = float(np.clip(gap / 1.64, 5.0, 11.0))
    frame = Pose.of(axes, middle)
    bone = _sampled(depth, grid, frame)
    return frame, VertebraShape(
        number=number,
        width=sizes[1],
        depth=sizes[0],
        height=sizes[2],
        disc_below=typical[3],
        half_span=bone.last[0] - _MARGIN_MM,
        spinous=max(bone.last[1] - _MARGIN_MM - sizes[0] / 2 - 2 * radius, 5.0),
        wedge=0.0,
        canal_radius=radius,
        degeneration=0.5,
        shell=0.7,
        texture=(0.0, 0.0, 0.0),
        measured=bone,
    )


def _along(depth: Depths, grid: Grid, start: NDArray[Any], direction: NDArray[Any], mm: float) -> Depths:
    steps = np.arange(0, mm, _STEP_MM)[:, None] * direction
    return map_coordinates(depth, grid.to_indices(start + steps).T[::-1], order=1, mode="nearest")


def _edge(depth: Depths, grid: Grid, start: NDArray[Any], direction: NDArray[Any], limit: float) -> float:
    """Distance in mm from a point in the bone to its surface, at most `limit`."""
    outside = np.flatnonzero(_along(depth, grid, start, direction, limit) > 0)
    return float(outside[0] * _STEP_MM if len(outside) else limit)


def _gap(depth: Depths, grid: Grid, start: NDArray[Any], direction: NDArray[Any]) -> float:
    """Width in mm of the canal behind a body, 14 if nothing closes it."""
    profile = _along(depth, grid, start + direction, direction, _REACH_MM)
    bone = np.flatnonzero(profile < 0)
    return float(bone[0] * _STEP_MM + 1) if len(bone) else 14.0


def _sampled(depth: Depths, grid: Grid, frame: Pose) -> MeasuredBone:
    """The signed distance on a regular grid of the vertebra's frame."""
    points = grid.to_points(np.argwhere(depth < 0)[:, ::-1])
    local = Grid.around(frame.inverse.apply(points), _SPACING_MM, _MARGIN_MM)
    indices = grid.to_indices(frame.apply(local.points().reshape(-1, 3)))
    values = map_coordinates(depth, indices.T[::-1], order=1, mode="nearest").reshape(local.shape)
    return MeasuredBone(torch.from_numpy(values.astype(np.float32)), local.origin_mm, _SPACING_MM)
