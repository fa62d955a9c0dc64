"""Find the rigid start on the images alone, when the MR has neither landmarks nor labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.ndimage import binary_dilation, binary_erosion

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.voxels import array_view
from ..imaging.case import Case, Centroids
from ..imaging.hounsfield import AIR_HU
from ..similarity import descriptors

SPACING_MM = 3.0
TURNS_DEG = (-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0)
"""Of the part of the spine that the MR shows against the whole spine in the CT."""
AROUND_MM = 24.0
"""The bones' neighbourhood. Close to bone one vertebra looks like the next: of thirteen short MRs of long
spines five landed one or more levels off with 6 mm, one with 12 mm, none with 24 mm."""
LEAST_OVERLAP = 0.6
"""Share of the bones' neighbourhood that the MR must show, of what it can show at most: it may be short."""


def search_translation(case: Case, ct_centers: Centroids) -> Pose:
    """The translation (and nod of the spine) under which the bones' surroundings agree best.

    Every translation on a 3 mm lattice is tried at once: the squared difference of MIND-SSC descriptors
    over the bones' neighbourhood is a correlation, computed by FFT (compare Heinrich et al. 2013). The
    patient's orientation is taken from the images' headers.
    """
    center = np.mean(list(ct_centers.values()), 0)
    mr, seen, mr_grid = _lattice(case.mr, Grid.of(case.mr))
    turns = [Pose.from_rotation(np.radians([nod, 0, 0]), np.zeros(3), center) for nod in TURNS_DEG]
    turned = [_bones(case, turn) for turn in turns]
    largest = np.max([mask.shape for _, mask, _ in turned], 0)
    size = [next_fast_len(int(a + b), real=True) for a, b in zip(mr.shape, largest, strict=True)]
    fixed = _spectra(_channels(mr, seen.float()), size)
    best: tuple[float, Pose] = (np.inf, Pose.identity())
    for turn, (ct, mask, ct_grid) in zip(turns, turned, strict=True):
        moving = _spectra(_channels(ct, torch.from_numpy(mask).float()), size)
        cost, shift = _best_shift(fixed, moving, mr.shape, size)
        offset = np.array(mr_grid.origin_mm) - ct_grid.origin_mm + shift * SPACING_MM
        if cost < best[0]:
            best = (cost, Pose.from_rotation(np.zeros(3), offset) @ turn)
    return best[1]


def _lattice(image: sitk.Image, grid: Grid) -> tuple[torch.Tensor, torch.Tensor, Grid]:
    """An image on an LPS-aligned 3 mm lattice over its whole field of view, and where it has data."""
    lattice = Grid.around(grid.corners(), SPACING_MM)
    reference = lattice.empty()
    smooth = _smoothed(image)
    resampled = sitk.Resample(smooth, reference, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    seen = grid.covers(lattice)
    return torch.from_numpy(array_view(resampled).copy()), torch.from_numpy(seen), lattice


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
    lattice = Grid.around(turn.apply(corners), SPACING_MM, AROUND_MM + 2 * SPACING_MM)
    reference, back = lattice.empty(), turn.inverse.to_sitk()
    box = Grid.around(corners, 1.5, AROUND_MM + 12.0).empty()
    near = sitk.Resample(case.ct, box, sitk.Transform(), sitk.sitkLinear, AIR_HU, sitk.sitkFloat32)
    ct = sitk.Resample(_smoothed(near), reference, back, sitk.sitkLinear, AIR_HU)
    labels = sitk.Resample(case.vertebrae > 0, reference, back, sitk.sitkNearestNeighbor, 0.0)
    near_bone = binary_dilation(array_view(labels) > 0, iterations=round(AROUND_MM / SPACING_MM))
    covered = Grid.of(case.ct).covers(lattice, turn.inverse)
    shown = binary_erosion(covered, iterations=descriptors.REACH, border_value=1)
    mask = near_bone & shown
    return torch.from_numpy(np.clip(array_view(ct), -200, 1200)), mask, lattice


def _channels(image: torch.Tensor, where: torch.Tensor) -> list[torch.Tensor]:
    """Descriptors within a mask (z, y, x), their squared length, and the mask."""
    described = descriptors.dense(image) * where[..., None]
    return [*described.unbind(-1), described.square().sum(-1), where]


def _spectra(channels: Sequence[torch.Tensor], size: Sequence[int]) -> list[torch.Tensor]:
    return [torch.fft.rfftn(channel, size) for channel in channels]


def _best_shift(
    fixed: Sequence[torch.Tensor],
    moving: Sequence[torch.Tensor],
    shape: Sequence[int],
    size: Sequence[int],
) -> tuple[float, NDArray[Any]]:
    """Lowest mean squared descriptor difference and the CT's shift (x, y, z) in the MR lattice, voxels.

    Args:
        fixed, moving: spectra of the `_channels` of MR and CT.
        shape: of the MR lattice, (z, y, x).
        size: of the transforms, so large that nothing wraps around.
    """
    *described, square, seen = fixed
    *told, told_square, where = (spectrum.conj() for spectrum in moving)
    energy = square * where + seen * told_square
    for one, other in zip(described, told, strict=True):
        energy -= 2 * one * other
    overlap = torch.fft.irfftn(seen * where, size)
    cost = torch.fft.irfftn(energy, size) / overlap.clamp(min=1)
    cost[overlap < LEAST_OVERLAP * overlap.max()] = torch.inf
    index = np.array(np.unravel_index(int(cost.argmin()), cost.shape))
    index = np.where(index >= np.array(shape), index - np.array(size), index)
    return float(cost.min()), index[::-1].astype(float)
