"""Do the outlines of CT labels follow the bone, or would they do so if the labels were mirrored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from .label_voxels import LabelVoxels

_STEP_MM = 1.5
"""How far outside a label the value beside its edge is taken."""
_VOXELS = 12_000
"""Of each label that are looked at; one in ten lies at an edge."""
_SOFT_HU, _HARD_HU = -200.0, 800.0
"""Values are cut here, so that gas and metal do not count more than bone."""
_CLEARLY, _CLEARLY_HU = 1.5, 40.0
"""How much more contrast mirrored labels must have, over that of the labels as they are and in HU.

Right labels of phantoms and real cases have at least twice the contrast of mirrored ones, and 110 HU more,
also where the spine lies in the middle of the image and both overlap by nine tenths.
"""
BONE_HU = 150.0
"""Least mean of bone to compare with."""
LAYERS = (-2, -1, 0, 1, 2)
"""Steps outwards by which an outline may be too narrow; labels may be thinner or thicker than the bone."""
_AXES = ("left and right", "front and back", "head and foot")
Indices = NDArray[np.int64]
"""Voxel indices (n, 3) as (x, y, z)."""


def check_mirrored(labels: sitk.Image, voxels: Mapping[int, LabelVoxels], ct: sitk.Image, name: str) -> None:
    """Raises InputError if labels follow the bone of the CT only when they are mirrored.

    Args:
        labels: uint8 label map.
        voxels: of its labels, by number.
        ct: in HU.
        name: of the label map, for messages.
    """
    grid = Grid.of(labels)
    inner, outer = edges(labels, voxels)
    outwards = outer - inner
    found = max(_contrast(ct, grid, inner + k * outwards, outer + k * outwards) for k in LAYERS)
    mirrored = [_contrast(ct, grid, *(_flipped(i, axis, grid) for i in (inner, outer))) for axis in range(3)]
    best = int(np.argmax(mirrored))
    if mirrored[best] > max(_CLEARLY * found, found + _CLEARLY_HU):
        way = _AXES[int(np.argmax(np.abs(grid.axes[:, best])))]
        raise InputError(
            f"{name} does not follow the bones of the CT, but mirrored ({way} exchanged) it would;"
            " give labels and CT with the same orientation and place, as they were made."
        )


def edges(labels: sitk.Image, voxels: Mapping[int, LabelVoxels]) -> tuple[Indices, Indices]:
    """Voxels just inside of each label and voxels just outside, in pairs."""
    array = array_view(labels)
    size = np.array(labels.GetSize())
    inner, outer = [np.empty((0, 3), np.int64)], [np.empty((0, 3), np.int64)]
    for number, found in voxels.items():
        some = found.indices[:: 1 + len(found.indices) // _VOXELS].astype(np.int64)
        for axis, spacing in enumerate(labels.GetSpacing()):
            for side in (-1, 1):
                beside = some.copy()
                beside[:, axis] += side * max(1, round(_STEP_MM / spacing))
                kept = np.all((beside >= 0) & (beside < size), axis=1)
                at, next_to = some[kept], beside[kept]
                x, y, z = next_to.T
                edge = array[z, y, x] != number
                inner.append(at[edge])
                outer.append(next_to[edge])
    return np.concatenate(inner), np.concatenate(outer)


def _contrast(ct: sitk.Image, grid: Grid, inner: Indices, outer: Indices) -> float:
    """How much brighter the CT is just inside the labels than just outside, in HU."""
    differences = values(ct, grid.to_points(inner)) - values(ct, grid.to_points(outer))
    return float(differences.mean()) if differences.size else 0.0


def values(ct: sitk.Image, points: NDArray[Any]) -> NDArray[np.float64]:
    """Values of the CT at LPS mm points (n, 3); beyond its border those at the border."""
    return values_at(array_view(ct), Grid.of(ct).to_indices(points))


def values_at(hu: NDArray[Any], indices: NDArray[Any]) -> NDArray[np.float64]:
    """Values (...) of a CT (z, y, x) at continuous indices (..., 3); beyond the border those at it."""
    nearest = np.clip(np.rint(indices).astype(int), 0, np.array(hu.shape[::-1]) - 1)
    x, y, z = np.moveaxis(nearest, -1, 0)
    return np.clip(hu[z, y, x].astype(float), _SOFT_HU, _HARD_HU)


def _flipped(indices: Indices, axis: int, grid: Grid) -> Indices:
    flipped = indices.copy()
    flipped[:, axis] = grid.size[axis] - 1 - flipped[:, axis]
    return flipped
