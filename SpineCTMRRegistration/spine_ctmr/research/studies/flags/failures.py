"""Patients on whom a registration fails, made from phantoms: what the quality flags are calibrated on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ....geometry.grid import Grid, Points
from ....geometry.pose import Pose
from ....geometry.voxels import array_view
from ....imaging.case import Case
from ....imaging.hounsfield import STORED_HU
from ....phantoms.phantom import Phantom

SCREW_RADIUS_MM, SCREW_HU, STREAK_HU, STREAK_REACH_MM = 3.0, 3071, 700.0, 18.0
VOID_MM, VOID_RIM_MM = 8.0, 6.0
"""Radius of the signal void around a screw on MR, and width of its bright rim."""
COLLAPSE_SHARE = 0.5
"""Loss of height at the front of a fractured body."""


def with_wrong_center(case: Case, number: int, error_mm: float, seed: int) -> Case:
    """The case with the MR centre of one vertebra moved in a random direction."""
    direction = np.random.default_rng([seed, number]).normal(size=3)
    centers = dict(case.mr_centroids or {})
    centers[number] = centers[number] + error_mm * direction / np.linalg.norm(direction)
    return replace(case, mr_centroids=centers)


def one_level_off(case: Case, direction: int) -> Case:
    """The case with every MR centre named one level more cranial (-1) or caudal (1)."""
    centers = case.mr_centroids or {}
    return replace(
        case, mr_centroids={n + direction: c for n, c in centers.items() if n + direction in centers}
    )


def of_another_patient(case: Case, other: Case) -> Case:
    """The case with the MR of another patient, whose vertebrae are given this patient's names in order."""
    centers = zip(case.mr_centroids or {}, (other.mr_centroids or {}).values(), strict=False)
    return replace(case, mr=other.mr, mr_centroids=dict(centers))


def with_cut_mr(phantom: Phantom, number: int, share: float) -> Case:
    """The case with the MR's caudal end cut off, so that `share` of a vertebra's height remains."""
    case = phantom.case
    labels = case.vertebrae
    voxels = np.argwhere(array_view(labels) == number)[::20, ::-1]
    heights = phantom.poses[number].apply(Grid.of(labels).to_points(voxels))[:, 2]
    grid = Grid.of(case.mr)
    axis = int(np.argmax(np.abs(grid.axes[2])))
    center = grid.center_mm.copy()
    center[2] = np.quantile(heights, 1 - share)
    cut = int(np.clip(grid.to_indices(center)[axis], 2, grid.size[axis] - 2))
    start, size = [0, 0, 0], list(grid.size)
    if grid.axes[2, axis] > 0:
        start[axis], size[axis] = cut, grid.size[axis] - cut
    else:
        size[axis] = cut
    return replace(case, mr=sitk.RegionOfInterest(case.mr, size, start))


def with_black_slice(case: Case) -> Case:
    """The case with the middle slice of the MR black."""
    mr = array_view(case.mr).copy()
    mr[len(mr) // 2] = 0
    return replace(case, mr=Grid.of(case.mr).image(mr))


def with_half_label(case: Case, phantom: Phantom, number: int, seed: int) -> Case:
    """The case with half of a vertebra missing in the CT's segmentation."""
    labels = array_view(case.vertebrae).copy()
    where = np.argwhere(labels == number)
    local = _local(phantom, number, Pose.identity(), Grid.of(case.vertebrae).to_points(where[:, ::-1]))
    axis = int(np.random.default_rng([seed, 3]).integers(0, 2))
    gone = where[local[:, axis] > np.median(local[:, axis])]
    labels[tuple(gone.T)] = 0
    return replace(case, vertebrae=Grid.of(case.vertebrae).image(labels))


def with_fracture(case: Case, phantom: Phantom, number: int) -> Case:
    """The case with a vertebral body that collapsed at the front between the CT and the MR.

    The upper end plate sinks, the disc above follows, the posterior elements stay.
    """
    index = phantom.anatomy.numbers.index(number)
    shape = phantom.anatomy.vertebrae[index]
    above = phantom.anatomy.vertebrae[index - 1].disc_below if index else 8.0
    grid, mr = Grid.of(case.mr), array_view(case.mr).copy()
    region, points = _around(phantom, number, grid, 45.0)
    local = _local(phantom, number, phantom.poses[number], points)
    x, y, z = np.moveaxis(local, -1, 0)
    half, top = shape.height / 2, shape.height / 2 + above
    sunk = COLLAPSE_SHARE * shape.height * np.clip(0.5 - y / shape.depth, 0, 1)
    plate = half - sunk
    body = -half + (z + half) * shape.height / np.maximum(plate + half, 1e-3)
    disc = half + (z - plate) * above / np.maximum(top - plate, 1e-3)
    source = np.where(z < plate, body, disc)
    inside = (np.hypot(x / (shape.width / 2 + 2), y / (shape.depth / 2 + 2)) < 1) & (z > -half) & (z < top)
    local[..., 2] = np.where(inside, source, z)
    frame = phantom.poses[number] @ phantom.anatomy.frames[index]
    where = np.moveaxis(grid.to_indices(frame.apply(local))[..., ::-1], -1, 0)
    painted = map_coordinates(mr.astype(np.float32), where, order=1, mode="nearest")
    mr[region] = np.where(inside, painted, mr[region]).astype(mr.dtype)
    return replace(case, mr=grid.image(mr))


def with_screws(case: Case, phantom: Phantom, number: int, seed: int) -> Case:
    """The case with pedicle screws: metal and streaks on the CT, signal voids with bright rims on the MR."""
    rng = np.random.default_rng([seed, 4])
    ct_grid, mr_grid = Grid.of(case.ct), Grid.of(case.mr)
    ct, mr = array_view(case.ct).copy(), array_view(case.mr).copy()
    region, points = _around(phantom, number, ct_grid, 60.0, Pose.identity())
    local = _local(phantom, number, Pose.identity(), points)
    distance = _screw_distance(phantom, number, local)
    angle = np.arctan2(local[..., 1], local[..., 0])
    streaks = np.cos(rng.integers(5, 9) * angle + rng.uniform(0, 6)) * np.exp(-distance / STREAK_REACH_MM)
    values = ct[region] + STREAK_HU * streaks * (np.abs(local[..., 2]) < 12)
    ct[region] = np.where(distance < SCREW_RADIUS_MM, SCREW_HU, values).clip(*STORED_HU).astype(ct.dtype)
    region, points = _around(phantom, number, mr_grid, 60.0)
    distance = _screw_distance(phantom, number, _local(phantom, number, phantom.poses[number], points))
    rim = np.exp(-np.square((distance - VOID_MM - VOID_RIM_MM / 2) / (VOID_RIM_MM / 2)))
    gain = np.clip((distance - VOID_MM) / 3, 0, 1) * (1 + 0.8 * rim)
    mr[region] = (mr[region] * gain).astype(mr.dtype)
    return replace(case, ct=ct_grid.image(ct), mr=mr_grid.image(mr))


def _screw_distance(phantom: Phantom, number: int, local: Points) -> NDArray[Any]:
    """Distance in mm from points (..., 3) in the vertebra's frame to the axes of its two screws."""
    shape = phantom.anatomy.vertebrae[phantom.anatomy.numbers.index(number)]
    best = np.full(local.shape[:-1], np.inf)
    for side in (-1, 1):
        head = np.array([side * (shape.canal_radius + 6), shape.depth / 2 + 2 * shape.canal_radius + 4, 3.0])
        tip = np.array([side * 7.0, -0.25 * shape.depth, 2.0])
        axis = tip - head
        along = np.clip((local - head) @ axis / (axis @ axis), 0, 1)
        best = np.minimum(best, np.linalg.norm(local - head - along[..., None] * axis, axis=-1))
    return best


def _local(phantom: Phantom, number: int, pose: Pose, points: Points) -> Points:
    """LPS points, of the MR if `pose` is the vertebra's true one, in the vertebra's own frame."""
    frame = pose @ phantom.anatomy.frames[phantom.anatomy.numbers.index(number)]
    return frame.inverse.apply(points)


def _around(
    phantom: Phantom, number: int, grid: Grid, reach_mm: float, pose: Pose | None = None
) -> tuple[tuple[slice, slice, slice], Points]:
    """Voxels (z, y, x) of a grid around a vertebra's body, and their LPS points."""
    pose = phantom.poses[number] if pose is None else pose
    center = pose.apply(phantom.anatomy.frames[phantom.anatomy.numbers.index(number)].translation_mm)
    reach = reach_mm / np.asarray(grid.spacing_mm)
    size = np.asarray(grid.size)
    low = np.clip(np.floor(grid.to_indices(center) - reach), 0, size - 1).astype(int)
    high = np.clip(np.ceil(grid.to_indices(center) + reach) + 1, low + 1, size).astype(int)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))
    return (z, y, x), grid.crop(low, high - low).points()
