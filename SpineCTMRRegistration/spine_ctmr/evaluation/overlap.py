"""How far moved vertebrae and an independent segmentation of the MR agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..deformation.warping import vertebrae_in_mr
from ..errors import InputError
from ..geometry.grid import Grid
from ..imaging.vertebra_names import vertebra_list
from ..quality.metrics import dice
from ..quality.surface_distance import surface_distances
from ..results.reader import ResultFolder

PARTIAL_SHARE = 0.7
"""A reference with less than this share of the vertebra's volume cannot be the same part of it."""


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
    truth = sitk.GetArrayViewFromImage(reference)
    named = {int(n) for n in np.unique(truth)} - {0}
    common = named & set(result.poses)
    if not common:
        raise InputError(
            f"The MR segmentation ({vertebra_list(named)}) and the result ({vertebra_list(result.poses)}) "
            "have no vertebra in common; name the same vertebrae in both."
        )
    identity = sitk.Transform()
    after = sitk.Resample(result.labels_in_mr, grid.empty(), identity, sitk.sitkNearestNeighbor, 0.0)
    found = sitk.GetArrayViewFromImage(after)
    seen = common & {int(n) for n in np.unique(found)}
    if not seen:
        raise InputError(
            "The MR segmentation and the result do not overlap; give labels of the MR that was registered."
        )
    back = {n: result.start @ result.poses[n].inverse for n in seen}
    started = sitk.GetArrayFromImage(vertebrae_in_mr(after, reference, back))
    measured = {}
    for n in common:
        distances = surface_distances(found == n, truth == n, grid.spacing_mm)
        measured[n] = Overlap(
            dice=dice(found == n, truth == n),
            dice_before=dice(started == n, truth == n),
            mean_surface_mm=distances.mean_mm,
            hd95_mm=distances.hd95_mm,
            hd99_mm=distances.hd99_mm,
        )
    return measured, _partial({n: float((truth == n).sum() / (found == n).sum()) for n in seen})


def _partial(shares: Mapping[int, float]) -> list[str]:
    """A note about references that are much smaller than the vertebrae, given their shares of the volume."""
    small = [n for n, share in shares.items() if share < PARTIAL_SHARE]
    if not small:
        return []
    share = 100 * max(shares[n] for n in small)
    return [
        f"The MR labels of {vertebra_list(small)} hold at most {share:.0f} % of the registered vertebra's "
        "volume, perhaps the bodies only: their DSC and distances compare different parts of the bone."
    ]
