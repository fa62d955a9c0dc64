"""How far moved vertebrae and an independent segmentation of the MR agree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..deformation.warping import vertebrae_in_mr
from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from ..imaging.vertebra_names import vertebra_list
from ..quality.metrics import dice
from ..quality.surface_distance import surface_distances
from ..results.reader import ResultFolder
from .bodies import body_of

PARTIAL_SHARE = 0.7
"""A reference with less than this share of the volume cannot be the same part of the vertebra."""


@dataclass(frozen=True)
class Overlap:
    """One vertebra against the reference; see `VertebraEvaluation`."""

    dice: float
    dice_before: float
    mean_surface_mm: float
    hd95_mm: float
    hd99_mm: float


def overlap_with(reference: sitk.Image, result: ResultFolder) -> tuple[dict[int, Overlap], list[str]]:
    """Overlap and surface distances of each vertebra by number, and notes on how to read them.

    Args:
        reference: vertebra labels of the MR, drawn independently, on any grid in the MR frame.
        result: what the registration wrote.

    Raises:
        InputError: the reference and the result have no vertebra in common, or do not overlap.
    """
    grid = Grid.of(reference)
    truth = array_view(reference)
    named = {int(n) for n in np.unique(truth)} - {0}
    common = named & set(result.poses)
    if not common:
        raise InputError(
            f"The MR segmentation ({vertebra_list(named)}) and the result ({vertebra_list(result.poses)}) "
            "have no vertebra in common; name the same vertebrae in both."
        )
    after = sitk.Resample(result.labels_in_mr, grid.empty(), sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    found = array_view(after).copy()
    seen = common & {int(n) for n in np.unique(found)}
    if not seen:
        raise InputError(
            "The MR segmentation and the result do not overlap; give labels of the MR that was registered."
        )
    bodies, others = _cut_to_bodies(found, truth, seen, grid.spacing_mm)
    after = grid.image(found)
    back = {n: result.start @ result.poses[n].inverse for n in seen}
    started = array_view(vertebrae_in_mr(after, reference, back)).copy()
    measured = {}
    for n in common - set(others):
        distances = surface_distances(found == n, truth == n, grid.spacing_mm)
        measured[n] = Overlap(
            dice=dice(found == n, truth == n),
            dice_before=dice(started == n, truth == n),
            mean_surface_mm=distances.mean_mm,
            hd95_mm=distances.hd95_mm,
            hd99_mm=distances.hd99_mm,
        )
    return measured, _notes(bodies, others)


def _cut_to_bodies(
    found: NDArray[Any], truth: NDArray[Any], numbers: Iterable[int], spacing_mm: Sequence[float]
) -> tuple[list[int], list[int]]:
    """Cut moved labels to their bodies, in place, where the reference holds bodies alone.

    Returns:
        The vertebrae that were cut, and those whose reference is another part, which cannot be compared.
    """
    bodies, others = [], []
    for n in numbers:
        whole, known = found == n, int((truth == n).sum())
        if known >= PARTIAL_SHARE * whole.sum():
            continue
        body = body_of(whole, spacing_mm)
        if known >= PARTIAL_SHARE * body.sum():
            found[whole & ~body] = 0
            bodies.append(n)
        else:
            others.append(n)
    return bodies, others


def _notes(bodies: Collection[int], others: Collection[int]) -> list[str]:
    notes = []
    if bodies:
        notes.append(
            f"The MR labels of {vertebra_list(bodies)} are of the vertebral bodies alone: DSC and surface "
            "distances compare the bodies."
        )
    if others:
        notes.append(
            f"The MR labels of {vertebra_list(others)} hold less than {100 * PARTIAL_SHARE:.0f} % of the "
            "vertebra and are not its body: DSC and surface distances were left out."
        )
    return notes
