"""How much one image tells about another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from ..geometry.grid import Grid, Points
from ..geometry.interpolation import values_at
from ..geometry.pose import Pose
from ..geometry.voxels import array_view
from ..imaging.case import Case
from ..similarity.mutual_information import entropies

BINS = 32
SAMPLES = 12_000
"""Points for each vertebra: the mutual information moves by about 0.002 between draws of this size."""


def nmi_of_samples(a: ArrayLike, b: ArrayLike, bins: int = BINS) -> float:
    """(H(A) + H(B)) / H(A, B) of paired samples (Studholme et al. 1999).

    1 = independent, 2 = one determines the other. Histograms span the 1st to the 99th percentile of each
    sample, what lies beyond in the outermost bins. NaN without samples or where both are constant.
    """
    columns = [_binned(np.asarray(values, float).ravel(), bins) for values in (a, b)]
    if columns[0].size == 0:
        return float("nan")
    counts = np.bincount(columns[0] * bins + columns[1], minlength=bins * bins).reshape(1, bins, bins)
    first, second, both = (float(entropy) for entropy in entropies(torch.from_numpy(counts / counts.sum())))
    return (first + second) / both if both > 0 else float("nan")


def vertebra_similarity(
    case: Case, labels_in_mr: sitk.Image, motions: Mapping[int, Pose], seed: int = 0
) -> dict[int, float]:
    """Normalised mutual information of MR and CT in each vertebra and 3 mm around it.

    Args:
        case: both images.
        labels_in_mr: vertebra numbers in the MR frame: where to look.
        motions: CT→MR motions in LPS mm by vertebra number, before or after registration.
        seed: of the sample points.
    """
    rng = np.random.default_rng(seed)
    ct, mr = array_view(case.ct), array_view(case.mr)
    ct_grid, mr_grid, grid = Grid.of(case.ct), Grid.of(case.mr), Grid.of(labels_in_mr)
    numbers = array_view(labels_in_mr)
    found = {}
    for number, box in enumerate(ndimage.find_objects(numbers), 1):
        if box is None or number not in motions:
            continue
        points = _nearby(numbers[box] == number, [side.start for side in box], grid, rng)
        in_ct = motions[number].inverse.apply(points)
        seen = ct_grid.contains(in_ct) & mr_grid.contains(points)
        found[number] = nmi_of_samples(
            values_at(ct, ct_grid, in_ct[seen]), values_at(mr, mr_grid, points[seen])
        )
    return found


def _nearby(mask: NDArray[Any], start: list[int], grid: Grid, rng: np.random.Generator) -> Points:
    """Random LPS points within about 3 mm of the voxels of a mask (z, y, x) that begins at index `start`."""
    voxels = np.argwhere(mask)
    chosen = voxels[rng.integers(0, len(voxels), SAMPLES)] + start
    jitter = rng.uniform(-3.0, 3.0, (SAMPLES, 3))
    return grid.to_points(chosen[:, ::-1]) + jitter


def _binned(values: NDArray[Any], bins: int) -> NDArray[Any]:
    if values.size == 0:
        return values.astype(int)
    low, high = np.percentile(values, [1, 99])
    scaled = (values - low) / max(high - low, 1e-9)
    return np.clip((scaled * bins).astype(int), 0, bins - 1)
