"""Find the rigid start on the images alone, when the MR has neither landmarks nor labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..imaging.case import Case, Centroids
from ..imaging.hounsfield import AIR_HU
from ..similarity import descriptors

SPACING_MM = 3.0
TURNS_DEG = (-8.0, 0.0, 8.0)


def search_translation(case: Case, ct_centers: Centroids) -> Pose:
    """The translation (and nod of the spine) under which the bones' surroundings agree best.

    Every translation on a 3 mm lattice is tried at once: the squared difference of MIND-SSC descriptors
    over the bones' neighbourhood is a correlation, computed by FFT (compare Heinrich et al. 2013). The
    patient's orientation is taken from the images' headers.
    """
    center = np.mean(list(ct_centers.values()), 0)
    mr, seen, mr_grid = _lattice(case.mr, Grid.of(case.mr))
    best: tuple[float, Pose] = (np.inf, Pose.identity())
    for nod in TURNS_DEG:
        turn = Pose.from_rotation(np.radians([nod, 0, 0]), np.zeros(3), center)
        ct, mask, ct_grid = _bones(case, turn)
        cost, shift = _best_shift(mr, seen, ct, mask)
        offset = np.array(mr_grid.origin_mm) - ct_grid.origin_mm + shift * SPACING_MM
        motion = Pose.from_rotation(np.zeros(3), offset) @ turn
        if cost < best[0]:
            best = (cost, motion)
    return best[1]


def _lattice(image: sitk.Image, grid: Grid) -> tuple[torch.Tensor, torch.Tensor, Grid]:
    """An image on an LPS-aligned 3 mm lattice over its whole field of view, and where it has data."""
    lattice = Grid.around(grid.corners(), SPACING_MM)
    reference = lattice.empty()
    smooth = _smoothed(image)
    resampled = sitk.Resample(smooth, reference, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    seen = grid.covers(lattice)
    return torch.from_numpy(sitk.GetArrayFromImage(resampled)), torch.from_numpy(seen), lattice


def _smoothed(image: sitk.Image) -> sitk.Image:
    """Blurred along the axes that are finer than the lattice, to avoid aliasing."""
    sigmas = [0.45 * SPACING_MM if s < SPACING_MM else 0.01 for s in image.GetSpacing()]
    return sitk.SmoothingRecursiveGaussian(sitk.Cast(image, sitk.sitkFloat32), sigmas)


def _bones(case: Case, turn: Pose) -> tuple[torch.Tensor, NDArray[Any], Grid]:
    """The turned CT around its bones on an LPS-aligned lattice, and the bones' neighbourhood."""
    statistics = sitk.LabelShapeStatisticsImageFilter()
    statistics.Execute(case.vertebrae > 0)
    x, y, z, nx, ny, nz = statistics.GetBoundingBox(1)
    corners = Grid.of(case.vertebrae).crop((x, y, z), (nx, ny, nz)).corners()
    lattice = Grid.around(turn.apply(corners), SPACING_MM, 12.0)
    reference, back = lattice.empty(), turn.inverse.to_sitk()
    box = Grid.around(corners, 1.5, 24.0).empty()
    near = sitk.Resample(case.ct, box, sitk.Transform(), sitk.sitkLinear, AIR_HU, sitk.sitkFloat32)
    ct = sitk.Resample(_smoothed(near), reference, back, sitk.sitkLinear, AIR_HU)
    labels = sitk.Resample(case.vertebrae > 0, reference, back, sitk.sitkNearestNeighbor, 0.0)
    mask = binary_dilation(sitk.GetArrayFromImage(labels) > 0, iterations=2)
    return torch.from_numpy(np.clip(sitk.GetArrayFromImage(ct), -200, 1200)), mask, lattice


def _best_shift(
    mr: torch.Tensor, seen: torch.Tensor, ct: torch.Tensor, mask: NDArray[Any]
) -> tuple[float, NDArray[Any]]:
    """Lowest mean squared descriptor difference and the CT's shift (x, y, z) in the MR lattice, voxels."""
    where = torch.from_numpy(mask).float()
    size = [a + b for a, b in zip(mr.shape, ct.shape, strict=True)]
    moving, fixed = descriptors.dense(ct) * where[..., None], descriptors.dense(mr) * seen[..., None]

    def correlate(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.fft.irfftn(torch.fft.rfftn(a, size) * torch.fft.rfftn(b, size).conj(), size)

    energy = correlate(fixed.square().sum(-1), where)
    energy += correlate(seen.float(), moving.square().sum(-1))
    for channel in range(descriptors.CHANNELS):
        energy -= 2 * correlate(fixed[..., channel], moving[..., channel])
    overlap = correlate(seen.float(), where)
    cost = energy / overlap.clamp(min=1)
    cost[overlap < 0.6 * where.sum()] = torch.inf
    index = np.array(np.unravel_index(int(cost.argmin()), cost.shape))
    index = np.where(index >= mr.shape, index - size, index)
    return float(cost.min()), index[::-1].astype(float)
