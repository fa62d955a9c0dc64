"""Do vertebra labels lie inside their image, and which of them can be used."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid, Points
from .label_shapes import SMALLEST_MM3
from .label_voxels import LabelVoxels, label_voxels
from .vertebra_names import vertebra_list

FLIP = np.array([-1.0, -1.0, 1.0])
"""Factors between LPS and RAS."""


def usable_labels(labels: sitk.Image, image: sitk.Image) -> sitk.Image:
    """The label map without vertebrae that hold too little volume inside `image`."""
    small = too_small(label_voxels(labels), Grid.of(image))
    return sitk.ChangeLabel(labels, dict.fromkeys(small, 0)) if small else labels


def too_small(voxels: Mapping[int, LabelVoxels], grid: Grid) -> list[int]:
    """Numbers of the labels with less than SMALLEST_MM3 inside `grid`."""
    return [n for n, v in voxels.items() if v.inside(grid) * v.grid.voxel_volume_mm3 < SMALLEST_MM3]


def check_labels(
    voxels: Mapping[int, LabelVoxels], image: sitk.Image, name: str, image_name: str
) -> tuple[str, ...]:
    """Warnings about the labels `voxels` of `image`; both are placed by their world position.

    Raises:
        InputError: no labels, all outside the image, or all tiny.
    """
    grid = Grid.of(image)
    if not voxels:
        raise InputError(f"{name} has no labels; give the vertebra segmentation.")
    if not any(v.inside(grid) for v in voxels.values()):
        flipped = any(grid.contains(v.points(2000) * FLIP).any() for v in voxels.values())
        raise InputError(f"{name} lies outside {image_name}; {mend_place(flipped, image_name)}.")
    small = too_small(voxels, grid)
    if len(small) == len(voxels):
        raise InputError(
            f"{name} holds less than {SMALLEST_MM3:.0f} mm³ of every vertebra inside {image_name};"
            " give a full segmentation of that image."
        )
    warnings = []
    if small:
        warnings.append(
            f"{name}: {vertebra_list(small)} left out, less than {SMALLEST_MM3:.0f} mm³ inside {image_name}."
        )
    kept = {n: v for n, v in voxels.items() if n not in small}
    cut = [n for n, v in kept.items() if _touches_border(v, grid)]
    if cut:
        warnings.append(f"{name}: {vertebra_list(cut)} cut by the field of view of {image_name}.")
    return tuple(warnings)


def mend_place(flipped_fits: bool, image_name: str) -> str:
    """What to do about something outside an image, given whether its LPS/RAS flip is inside."""
    if flipped_fits:
        return "the coordinates seem to be RAS where LPS is meant, so save them again in the other system"
    return f"give the ones that were made on {image_name}"


def _touches_border(voxels: LabelVoxels, grid: Grid) -> bool:
    return _at_border(voxels.box_points(), grid) and _at_border(voxels.points(), grid)


def _at_border(points: Points, grid: Grid) -> bool:
    indices = grid.to_indices(points)
    return bool(np.any(indices <= 0.5) or np.any(indices >= np.array(grid.size) - 1.5))
