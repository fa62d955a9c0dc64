"""Does every CT label lie on its bone, or would its outline follow the bone if it were moved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid, Points
from ..geometry.voxels import array_view
from .label_edges import BONE_HU, LAYERS, edges, values, values_at
from .label_motion import motion_to_bone
from .label_voxels import LabelVoxels, label_voxels
from .vertebra_names import vertebra_list, vertebra_name

_PAIRS, _FEWEST_PAIRS = 800, 50
"""Of voxels at the edge of a label that are looked at."""
_REACH_MM, _STEP_MM, _FINE_MM = 12.0, 3.0, 1.0
_SURE = 0.25
"""Contrast along the worst axis, over the mean in the bone, above which a label is on its bone: no search."""
_BONE = 0.4
"""Contrast over the mean in the bone that shows a bone."""
_WEAK, _CLEARLY = 0.4, 0.75
"""Contrast along the worst axis and in all, over that at the best place near by, of a label beside its bone.

Along the worst axis right labels of real cases and phantoms have 0.78 and more, labels 4 to 20 mm beside 0.36
and less.
"""
_LEAST_MM = 3.0
"""Distance to the bone that counts."""
FOLLOWS = 0.22
"""Contrast over the mean in the bone below which an outline does not follow the bone; right ones have 0.4."""
_KEPT, _MOVES_MM = 0.75, 1.4
"""Contrast over that at the bone below which a label that would move by more on average is moved or turned.

Right labels, also 1 mm too thick or thin or with voxels of 3 mm, keep 0.79 and more; of those moved or turned
by 2.6 mm and more on average none keeps more than 0.61, and none of them moves back by less than 2 mm.
"""
_WAYS = (("right", "left"), ("front", "back"), ("feet", "head"))


@dataclass(frozen=True)
class LabelFit:
    """How the outline of a label lies on the CT.

    Attributes:
        follows: how much brighter the CT is inside the outline than outside, over the mean in the bone; NaN
            where too little of it lies in the CT.
        offset_mm: LPS vector (3,) from the bone to the label; 0 where the label is on its bone.
        moved_mm: how far its points lie beside the bone on average; 0 where it is neither moved nor turned.
    """

    follows: float
    offset_mm: Points
    moved_mm: float = 0.0

    @property
    def distance_mm(self) -> float:
        """How far beside its bone the label lies."""
        return float(np.linalg.norm(self.offset_mm)) or self.moved_mm

    @property
    def is_right(self) -> bool:
        """Whether nothing speaks against the label."""
        return self.distance_mm == 0 and not self.follows < FOLLOWS


def label_fits(labels: sitk.Image, ct: sitk.Image) -> dict[int, LabelFit]:
    """How each label of a uint8 label map lies on a CT in HU, by number."""
    return {n: _fit(labels, n, found, ct) for n, found in label_voxels(labels).items()}


def check_on_bone(labels: sitk.Image, ct: sitk.Image, name: str) -> tuple[str, ...]:
    """Warnings about labels that lie beside their bones.

    Args:
        labels: uint8 label map.
        ct: in HU.
        name: of the label map, for messages.

    Raises:
        InputError: most of them do.
    """
    fits = label_fits(labels, ct)
    beside = {n: fit for n, fit in fits.items() if np.any(fit.offset_mm)}
    if 2 * len(beside) > len(fits):
        offset = np.median([fit.offset_mm for fit in beside.values()], axis=0)
        raise InputError(
            f"{name} lies beside the bones of the CT ({in_words(offset)}); give the labels that were made on "
            "this CT."
        )
    warnings = [
        f"{name}: {vertebra_name(n)} lies {in_words(fit.offset_mm)} of its bone in the CT; correct its label."
        for n, fit in beside.items()
    ]
    turned = {n: fit.moved_mm for n, fit in fits.items() if fit.moved_mm}
    if turned:
        mean = np.median(list(turned.values()))
        warnings.append(
            f"{name}: not placed as the bones of the CT: {vertebra_list(list(turned))} "
            f"(turned or moved by about {mean:.0f} mm on average); correct the labels."
        )
    loose = [n for n, fit in fits.items() if fit.distance_mm == 0 and not fit.is_right]
    if loose:
        warnings.append(f"{name}: the outline of {vertebra_list(loose)} does not follow the bone in the CT.")
    return tuple(warnings)


def in_words(offset_mm: Points) -> str:
    """An LPS vector by its largest part, such as "about 6 mm to the left"."""
    axis = int(np.argmax(np.abs(offset_mm)))
    way = _WAYS[axis][int(offset_mm[axis] > 0)]
    return f"about {abs(offset_mm[axis]):.0f} mm to the {way}"


def _fit(labels: sitk.Image, number: int, voxels: LabelVoxels, ct: sitk.Image) -> LabelFit:
    inner, outer = edges(labels, {number: voxels})
    step = 1 + len(inner) // _PAIRS
    inside, outside = voxels.grid.to_points(inner[::step]), voxels.grid.to_points(outer[::step])
    seen = Grid.of(ct).contains(inside) & Grid.of(ct).contains(outside)
    if np.count_nonzero(seen) < _FEWEST_PAIRS:
        return LabelFit(float("nan"), np.zeros(3))
    outline = _Outline(ct, inside[seen], outside[seen])
    points = voxels.points(2000)
    bone = max(BONE_HU, float(values(ct, points).mean()))
    layers = (outline.contrasts(layer * (outline.outside - outline.inside)) for layer in LAYERS)
    here = max(layers, key=np.mean) / bone
    offset = np.zeros(3) if here.min() >= _SURE else _offset(outline, here, bone)
    moved = 0.0 if np.any(offset) else _moved(outline, points, bone)
    return LabelFit(float(here.mean()), offset, moved)


def _offset(outline: _Outline, here: Points, bone: float) -> Points:
    """LPS vector from a bone near by to the label, 0 where there is none that it would fit better."""
    best = max(_around(np.zeros(3), _REACH_MM, _STEP_MM), key=outline.contrast)
    best = max(_around(best, _STEP_MM - _FINE_MM, _FINE_MM), key=outline.contrast)
    there = outline.contrast(best) / bone
    fits_there = np.linalg.norm(best) >= _LEAST_MM and there >= _BONE
    beside = fits_there and here.min() < _WEAK * there and here.mean() < _CLEARLY * there
    return -best if beside else np.zeros(3)


def _moved(outline: _Outline, points: Points, bone: float) -> float:
    """How far the points of a label lie beside its bone on average, 0 where it lies as the bone does."""
    motion = motion_to_bone(outline.ct, outline.inside, outline.outside, points)
    off = motion.kept < _KEPT and motion.moves_mm > _MOVES_MM and motion.contrast >= FOLLOWS * bone
    return motion.moves_mm if off else 0.0


@dataclass(frozen=True)
class _Outline:
    """Pairs of LPS points (n, 3) just inside and just outside of a label, each pair along one axis."""

    ct: sitk.Image
    inside: Points
    outside: Points

    def contrast(self, moved_by: Points) -> float:
        """The mean of `contrasts`."""
        return float(self.contrasts(moved_by).mean())

    def contrasts(self, moved_by: Points) -> Points:
        """How much brighter the CT is inside than outside, HU along each LPS axis (3,), moved by vectors."""
        hu, turn, indices, axes = self._in_voxels
        there = indices + moved_by @ turn
        seen = np.all((there >= -0.5) & (there <= np.array(hu.shape[::-1]) - 0.5), axis=(0, 2))
        if seen.mean() < 0.5:
            return np.full(3, -np.inf)
        bright = values_at(hu, there[:, seen])
        differences = bright[0] - bright[1]
        along = [differences[axes[seen] == axis] for axis in range(3)]
        return np.array([each.mean() if len(each) else differences.mean() for each in along])

    @cached_property
    def _in_voxels(self) -> tuple[NDArray[Any], NDArray[Any], Points, NDArray[Any]]:
        """The CT (z, y, x), matrix from LPS to indices, and of the pairs indices (2, n, 3) and axes (n,)."""
        grid = Grid.of(self.ct)
        indices = grid.to_indices(np.stack([self.inside, self.outside]))
        axes = np.abs(self.outside - self.inside).argmax(1)
        return array_view(self.ct), grid.point_to_index[:3, :3].T, indices, axes


def _around(center: Points, reach: float, step: float) -> list[Points]:
    """Vectors (3,) on a lattice about `center`."""
    steps = np.arange(-reach, reach + step / 2, step)
    lattice = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    return list(center + lattice)
