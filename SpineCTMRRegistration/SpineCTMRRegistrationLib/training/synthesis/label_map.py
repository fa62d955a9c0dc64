"""A segmented spine as a patient's anatomy."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, map_coordinates

from ...alignment import rigid
from ...errors import InputError
from ...imaging.grid import Grid
from .anatomy import Anatomy, make_body
from .measured_bone import MeasuredBone
from .vertebra import T13, VertebraShape, typical_sizes

_SPACING_MM, _MARGIN_MM, _STEP_MM, _REACH_MM = 1.0, 6.0, 0.5, 60.0
Depths = NDArray[Any]
"""Signed distances (z, y, x) in mm, negative in the bone."""


def anatomy_of_labels(rng: np.random.Generator, labels: sitk.Image) -> Anatomy:
    """The anatomy whose vertebrae are those of a label map (VerSe numbers), in its LPS mm.

    Discs, canal and the body around them are placed by the vertebrae; the rest is random.

    Raises:
        InputError: the label map holds no vertebra.
    """
    grid, array = Grid.of(labels), sitk.GetArrayFromImage(labels)
    found = [int(n) for n in np.unique(array) if 1 <= n <= T13]
    if not found:
        raise InputError("The label map holds no vertebra; give VerSe numbers (C1=1 ... L5=24).")
    numbers = sorted(found, key=lambda n: 19.5 if n == T13 else n)
    depths = [_signed_distance(array == n, grid) for n in numbers]
    middles = np.array([_body_center(d, grid) for d in depths])
    centroids = [grid.to_points(np.argwhere(array == n)[:, ::-1]).mean(0) for n in numbers]
    frames, shapes = [], []
    for i, number in enumerate(numbers):
        axis = _up(middles, i)
        frame, shape = _measured(number, depths[i], grid, middles[i], centroids[i] - middles[i], axis)
        frames.append(frame)
        shapes.append(shape)
    body = make_body(rng, 1.0, tuple(frames))
    return Anatomy(tuple(shapes), tuple(frames), body, int(rng.integers(2**31)))


def _signed_distance(mask: NDArray[Any], grid: Grid) -> Depths:
    spacing = grid.spacing_mm[::-1]
    inside = distance_transform_edt(mask, sampling=spacing)
    outside = distance_transform_edt(~mask, sampling=spacing)
    half = min(spacing) / 2
    return np.where(mask, half - inside, outside - half).astype(np.float32)


def _body_center(depth: Depths, grid: Grid) -> NDArray[Any]:
    """The middle of the thickest part of a vertebra, LPS mm."""
    where = np.argwhere(depth < 0.6 * depth.min())[:, ::-1]
    return grid.to_points(where).mean(0)


def _up(middles: NDArray[Any], i: int) -> NDArray[Any]:
    if len(middles) == 1:
        return np.array([0.0, 0.0, 1.0])
    axis = middles[max(i - 1, 0)] - middles[min(i + 1, len(middles) - 1)]
    return axis / np.linalg.norm(axis)


def _measured(
    number: int,
    depth: Depths,
    grid: Grid,
    middle: NDArray[Any],
    to_centroid: NDArray[Any],
    up: NDArray[Any],
) -> tuple[rigid.Rigid, VertebraShape]:
    """Frame and shape of one vertebra; its arch lies behind its body."""
    back = to_centroid - (to_centroid @ up) * up
    back = back / max(float(np.linalg.norm(back)), 1e-6)
    frame = np.eye(4)
    frame[:3, :3] = np.stack([np.cross(back, up), back, up], 1)
    typical = typical_sizes(number)
    sizes = []
    for axis, size in zip((1, 0, 2), (typical[1], typical[0], typical[2]), strict=True):
        direction = frame[:3, axis]
        low, high = (_edge(depth, grid, middle, side * direction, 0.8 * size) for side in (-1, 1))
        middle = middle + (high - low) / 2 * direction
        sizes.append(low + high)
    frame[:3, 3] = middle
    gap = _gap(depth, grid, middle + sizes[0] / 2 * back, back)
    radius = float(np.clip(gap / 1.64, 5.0, 11.0))
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


def _sampled(depth: Depths, grid: Grid, frame: rigid.Rigid) -> MeasuredBone:
    """The signed distance on a regular grid of the vertebra's frame."""
    points = grid.to_points(np.argwhere(depth < 0)[:, ::-1])
    local = Grid.around(rigid.apply(rigid.inverse(frame), points), _SPACING_MM, _MARGIN_MM)
    indices = grid.to_indices(rigid.apply(frame, local.points().reshape(-1, 3)))
    values = map_coordinates(depth, indices.T[::-1], order=1, mode="nearest").reshape(local.shape)
    return MeasuredBone(torch.from_numpy(values.astype(np.float32)), local.origin_mm, _SPACING_MM)
