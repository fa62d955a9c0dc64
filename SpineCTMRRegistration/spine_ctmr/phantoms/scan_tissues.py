"""Which tissues the voxels of a real CT show: by HU, by the vertebra labels, and by where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_fill_holes, label

from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from ..imaging.hounsfield import STORED_HU
from .anatomy import Anatomy
from .rendering import render
from .scan import TissueScan
from .tissue import INDEX, TISSUES

_PLACED = ("annulus", "nucleus", "csf", "cord", "vessel", "organ", "visceral fat", "ligament")
"""Soft tissues that HU cannot tell apart; the anatomy says where they are."""
_FAT_HU, _MUSCLE_HU = -100.0, 50.0
_MARROW_HU, _CORTEX_HU = 120.0, 700.0
_BONE_HU, _GAS_HU, _PURE_GAS_HU = 190.0, -250.0, -600.0
_SMOOTHING_STEPS, _SMOOTHING_CONDUCTANCE = 5, 3.0
_LARGEST_HOLE, _BRIGHTEST_HU = 3, 2000.0


def scan_of(ct: sitk.Image, labels: sitk.Image, anatomy: Anatomy) -> TissueScan:
    """The scan of a CT.

    Args:
        ct: HU.
        labels: its vertebrae, VerSe numbers, on the same grid.
        anatomy: with these vertebrae, in the CT's LPS mm; tells where discs, canal and organs are.
    """
    grid = Grid.of(ct)
    hounsfield = array_view(ct).copy().astype(np.float32).clip(*STORED_HU)
    smooth = _smoothed(ct)
    placed = _placed(anatomy, grid)
    first = np.full(grid.shape, INDEX["fat"], np.uint8)
    second = np.full(grid.shape, INDEX["muscle"], np.uint8)
    share = ((smooth - _FAT_HU) / (_MUSCLE_HU - _FAT_HU)).clip(0, 1).astype(np.float32)
    soft = (smooth > -30) & (smooth < 250)
    for name in _PLACED:
        here = placed == INDEX[name]
        if name == "visceral fat":
            first[here] = INDEX[name]
        else:
            second[here & soft] = INDEX[name]
        if name in ("annulus", "nucleus", "csf", "cord"):
            share[here & soft] = 1
    bone = _bone(smooth, array_view(labels).copy() > 0)
    first[bone], second[bone] = INDEX["marrow"], INDEX["cortex"]
    share[bone] = ((smooth - _MARROW_HU) / (_CORTEX_HU - _MARROW_HU)).clip(0, 1)[bone]
    gas = smooth < _GAS_HU
    first[gas], second[gas] = INDEX["gas"], INDEX["fat"]
    share[gas] = ((smooth - _PURE_GAS_HU) / (_GAS_HU - _PURE_GAS_HU)).clip(0, 1)[gas] * 0.5
    return TissueScan(grid, hounsfield, first, second, share)


def _smoothed(ct: sitk.Image) -> NDArray[Any]:
    """HU (z, y, x) without noise, edges kept: median, then diffusion (Perona and Malik 1990)."""
    image = sitk.Median(sitk.Clamp(ct, sitk.sitkFloat32, STORED_HU[0], _BRIGHTEST_HU), [1, 1, 1])
    step = 0.9 * min(ct.GetSpacing()) / 2**4
    smooth = sitk.GradientAnisotropicDiffusion(
        image, step, _SMOOTHING_CONDUCTANCE, numberOfIterations=_SMOOTHING_STEPS
    )
    return array_view(smooth).copy()


def _placed(anatomy: Anatomy, grid: Grid) -> NDArray[np.int64]:
    """Index (z, y, x) of the tissue that the anatomy has at each voxel; fat where it says nothing clear."""
    points = torch.tensor(grid.points().reshape(-1, 3), dtype=torch.float32)
    wanted = [INDEX[name] for name in _PLACED]
    table = torch.zeros(len(TISSUES), len(wanted))
    table[wanted, range(len(wanted))] = 1
    shares, _ = render(anatomy, points, table)
    best, which = shares.max(1)
    tissues = torch.tensor(wanted)[which]
    return torch.where(best > 0.5, tissues, INDEX["fat"]).numpy().reshape(grid.shape)


def _bone(smooth: NDArray[Any], labelled: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels of labelled bone, and of dense parts with the marrow that they enclose."""
    dense = smooth > _BONE_HU
    parts, count = label(dense)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    dense &= sizes[parts] > 500
    closed = binary_closing(dense, iterations=_LARGEST_HOLE)
    filled = np.stack([binary_fill_holes(plane) for plane in closed])
    return labelled | filled
