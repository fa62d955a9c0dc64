"""The three radiological views of a spine: which points of space a picture shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from ..geometry.grid import Grid, Points
from ..geometry.voxels import array_view

MARGIN_MM = 30.0
"""Tissue shown around the vertebrae, as far as the MR reaches."""
LONG_COLUMNS = 740
"""Pixels for the sagittal and the coronal picture side by side."""
AXIAL_COLUMNS = 430
MAX_ROWS = 900
FINEST_MM = 0.25
"""Pixels are never smaller than this."""


@dataclass(frozen=True)
class View:
    """A possibly curved sheet of points that becomes one picture.

    Attributes:
        points: LPS mm (rows, columns, 3) of the pixel centres; row 0 is the top.
        row_axis: component of the points that changes from row to row, and only there.
        column_axis: component that changes from column to column, and only there.
        step_mm: distance of neighbouring pixels along these axes.
        letters: where the patient's sides are: left, right, top, bottom of the picture.
    """

    points: Points
    row_axis: int
    column_axis: int
    step_mm: float
    letters: tuple[str, str, str, str]

    def sample(self, image: sitk.Image, outside: float = 0.0) -> NDArray[np.float32]:
        """Interpolated values (rows, columns) of a scalar image on any grid."""
        return sample(array_view(image), Grid.of(image), self.points, outside)

    def window(self, corners: Points) -> tuple[slice, slice] | None:
        """Rows and columns that may cut the LPS box around `corners` (n, 3), or None."""
        low, high = corners.min(0), corners.max(0)
        rows = _between(self.points[:, 0, self.row_axis], low[self.row_axis], high[self.row_axis])
        columns = _between(self.points[0, :, self.column_axis], low[self.column_axis], high[self.column_axis])
        if rows is None or columns is None:
            return None
        depth_axis = 3 - self.row_axis - self.column_axis
        depth = self.points[rows, columns, depth_axis]
        return (rows, columns) if depth.max() >= low[depth_axis] and depth.min() <= high[depth_axis] else None


@dataclass(frozen=True)
class LabelBox:
    """The part of a label image that holds one label.

    Attributes:
        mask: uint8 (z, y, x), with an empty voxel all around.
        grid: where it lies.
    """

    mask: NDArray[np.uint8]
    grid: Grid


def sample(array: NDArray[Any], grid: Grid, points: Points, outside: float) -> NDArray[np.float32]:
    """Interpolated values (rows, columns) of `array` (z, y, x) on `grid` at LPS `points`.

    Where pixels are much finer than voxels, every second one is sampled and the rest filled in;
    the numbers of rows and columns must be even.
    """
    step = np.linalg.norm(points[1, 0] - points[0, 0])
    coarse = 2 * step < 1.1 * min(grid.spacing_mm)
    sampled = (points[::2, ::2] + points[1::2, 1::2]) / 2 if coarse else points
    coordinates = np.moveaxis(grid.to_indices(sampled)[..., ::-1], -1, 0)
    values = ndimage.map_coordinates(array, coordinates, np.float32, order=1, cval=outside)
    return _enlarged(values, points.shape[:2]) if coarse else np.asarray(values, np.float32)


def label_boxes(labels: sitk.Image) -> dict[int, LabelBox]:
    """Each label's mask in its bounding box, by number."""
    array, grid = array_view(labels), Grid.of(labels)
    boxes = {}
    for number, box in enumerate(ndimage.find_objects(array), 1):
        if box is not None:
            mask = np.pad((array[box] == number).astype(np.uint8), 1)
            start = np.array([side.start - 1 for side in box])[::-1]
            boxes[number] = LabelBox(mask, grid.crop(start, mask.shape[::-1]))
    return boxes


def body_center(box: LabelBox) -> Points:
    """LPS mm (3,) of the thickest part of a vertebra: its body, not its processes."""
    stride = np.maximum(1, np.round(2.0 / np.array(box.grid.spacing_mm)).astype(int))
    coarse = box.mask[:: stride[2], :: stride[1], :: stride[0]]
    if not coarse.any():
        coarse, stride = box.mask, np.ones(3, int)
    spacing = (box.grid.spacing_mm * stride)[::-1]
    depth = ndimage.distance_transform_edt(np.pad(coarse, 1), spacing)[1:-1, 1:-1, 1:-1]
    index = np.argwhere(depth >= 0.7 * depth.max()).mean(0)[::-1]
    return box.grid.to_points(index * stride)


def spine_views(
    mr: sitk.Image, boxes: Mapping[int, LabelBox], center_mm: ArrayLike | None = None
) -> tuple[View, View, View]:
    """Sagittal, coronal and axial view of the MR around the vertebrae in `boxes`.

    Without `center_mm` the first two sheets follow the vertebral bodies, so that a curved spine is
    seen in full length, and the axial one cuts the middle body. With it (LPS mm) all are planes.
    Without vertebrae the whole MR is shown.
    """
    grid = Grid.of(mr)
    low, high = _extent(grid, boxes)
    bodies = np.array([body_center(box) for box in boxes.values()] or [grid.center_mm])
    if center_mm is not None:
        bodies = np.asarray(center_mm, float).reshape(1, 3)
    bodies = bodies[np.argsort(bodies[:, 2])]
    width, depth, height = high - low
    long_step = max((width + depth) / LONG_COLUMNS, height / MAX_ROWS, FINEST_MM)
    axial_step = max(width / AXIAL_COLUMNS, depth / max(height / long_step, AXIAL_COLUMNS), FINEST_MM)
    return (
        _sheet(low, high, bodies, long_step, row_axis=2, column_axis=1),
        _sheet(low, high, bodies, long_step, row_axis=2, column_axis=0),
        _sheet(low, high, bodies[len(bodies) // 2][None], axial_step, row_axis=1, column_axis=0),
    )


def _extent(grid: Grid, boxes: Mapping[int, LabelBox]) -> tuple[Points, Points]:
    """Lowest and highest LPS point (3,) to show: vertebrae and margin, within the MR where they meet."""
    corners = grid.corners()
    mr_low, mr_high = corners.min(0), corners.max(0)
    if not boxes:
        return mr_low, mr_high
    corners = np.concatenate([box.grid.corners() for box in boxes.values()])
    low, high = corners.min(0) - MARGIN_MM, corners.max(0) + MARGIN_MM
    inner_low, inner_high = np.maximum(low, mr_low), np.minimum(high, mr_high)
    return (inner_low, inner_high) if np.all(inner_high - inner_low > MARGIN_MM) else (low, high)


def _sheet(low: Points, high: Points, bodies: Points, step: float, row_axis: int, column_axis: int) -> View:
    """The view between two corners whose remaining component follows `bodies` (n, 3), ordered in z."""
    down = row_axis == 2
    rows = _run(low[row_axis], high[row_axis], step)
    rows = rows[::-1] if down else rows
    columns = _run(low[column_axis], high[column_axis], step)
    depth_axis = 3 - row_axis - column_axis
    points = np.empty((len(rows), len(columns), 3))
    points[..., row_axis] = rows[:, None]
    points[..., column_axis] = columns
    depth = np.interp(rows, bodies[:, 2], bodies[:, depth_axis]) if down else np.full(len(rows), bodies[0, 2])
    points[..., depth_axis] = depth[:, None]
    sides = ("A", "P") if column_axis == 1 else ("R", "L")
    return View(points, row_axis, column_axis, step, (*sides, *(("H", "F") if down else ("A", "P"))))


def _run(low: float, high: float, step: float) -> NDArray[Any]:
    """An even number of pixel centres between two ends."""
    count = 2 * max(1, int((high - low) / (2 * step)))
    return np.asarray((low + high) / 2 + (np.arange(count) - (count - 1) / 2) * step)


def _enlarged(values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """`values` (rows, columns) stretched to `shape`, edges on edges, bicubic."""
    from PIL import Image

    image = Image.fromarray(values).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32)


def _between(values: NDArray[Any], low: float, high: float) -> slice | None:
    """The run of monotone `values` within [low, high], from an even index to an even one."""
    found = np.flatnonzero((values >= low) & (values <= high))
    return slice(int(found[0]) // 2 * 2, (int(found[-1]) + 2) // 2 * 2) if found.size else None
