"""Centres of vertebral bodies from label maps, and the rigid start they give."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import label

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.voxels import array_view
from ..imaging.case import Centroids
from ..imaging.vertebra_names import ATLAS, SACRUM
from .bending import PRIOR_STIFFNESS_MM2

CORE_SHARE = 0.6
"""The body's core: voxels at least this share of the largest depth below the bone's surface."""
S1_MM = 32.0, 25.0
"""The body of S1 lies so far below the sacrum's upper end, and to either side of its midline, at most."""


def body_centers(labels: sitk.Image) -> Centroids:
    """LPS mm centre of the vertebral body of every label.

    The body is the thickest part of a vertebra: its centre is the mean of the bone's core, grown back
    over the part of the bone within one core depth. A label without posterior parts gives its centroid. C1
    has no body; its centre is midway between its lateral masses.
    """
    grid = Grid.of(labels)
    array = array_view(labels)
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(labels)
    centers: Centroids = {}
    for number in statistics.GetLabels():
        x, y, z, nx, ny, nz = statistics.GetBoundingBox(number)
        crop = array[z : z + nz, y : y + ny, x : x + nx] == number
        if number == ATLAS:
            index = _atlas_center(crop, grid)
        elif number == SACRUM:
            index = _upper_core_center(crop, grid, (x, y, z))
        else:
            index = _core_center(crop, grid)
        centers[int(number)] = grid.to_points(index + np.array([x, y, z]))
    return centers


def label_centroids(labels: sitk.Image) -> Centroids:
    """LPS mm centroid of every label as a whole, arch and processes included."""
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(labels)
    return {int(n): np.array(statistics.GetCentroid(n)) for n in statistics.GetLabels()}


def _depth(mask: NDArray[Any], spacing_mm: tuple[float, float, float]) -> NDArray[Any]:
    image = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
    image.SetSpacing(spacing_mm)
    signed = sitk.SignedMaurerDistanceMap(image, True, squaredDistance=False, useImageSpacing=True)
    return np.asarray(array_view(signed).copy()[1:-1, 1:-1, 1:-1])


def _core_center(mask: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Index (x, y, z) of the body's centre in a crop (z, y, x)."""
    depth = _depth(mask, grid.spacing_mm)
    core = np.argwhere(depth >= CORE_SHARE * depth.max())[:, ::-1]
    distance = np.linalg.norm(grid.to_points(core) - grid.to_points(core.mean(0)), axis=1)
    near = distance <= 2 * depth.max()
    return core[near if near.any() else ...].mean(0)  # of a thin or hollow piece the middle holds no bone


def _atlas_center(mask: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Index of the middle of C1, which has no body: midway between the cores of its lateral masses."""
    depth = _depth(mask, grid.spacing_mm)
    lumps, _ = label(depth >= CORE_SHARE * depth.max())
    sizes = np.bincount(lumps.ravel())[1:]
    masses = [np.argwhere(lumps == k)[:, ::-1].mean(0) for k in 1 + np.argsort(-sizes)[:2]]
    return np.asarray(np.mean(masses, 0))


def _upper_core_center(mask: NDArray[Any], grid: Grid, start: tuple[int, int, int]) -> NDArray[Any]:
    """Index of the centre of S1's body: the core of the sacrum's upper end (`S1_MM`)."""
    voxels = np.argwhere(mask)[:, ::-1]
    points = grid.to_points(voxels + start)
    high = points[:, 2] > points[:, 2].max() - S1_MM[0]
    middle = np.abs(points[:, 0] - np.median(points[:, 0])) < S1_MM[1]
    upper = np.zeros_like(mask)
    z, y, x = voxels[high & middle].T[::-1]
    upper[z, y, x] = True
    return _core_center(upper, grid)


def rigid_start(ct_centers: Centroids, mr_centers: Centroids) -> Pose:
    """CT→MR rigid motion from the vertebrae that both have.

    With one common vertebra only the translation is taken; with two the rotation about their line,
    and with more the weakly seen rotation about the spine, are held at the patient's orientation.
    """
    common = [n for n in ct_centers if n in mr_centers]
    source = np.array([ct_centers[n] for n in common])
    target = np.array([mr_centers[n] for n in common])
    return Pose.fit(source, target, stiffness_mm2=PRIOR_STIFFNESS_MM2)
