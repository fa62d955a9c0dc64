"""Places in the MR whose true places in the CT are known: of a phantom, or from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.voxels import array_view
from ..phantoms.phantom import Phantom
from ..process.untrusted import reads_untrusted

SOFT_REACH_MM = 25.0
"""Soft tissue further from bone is not measured."""
PER_VERTEBRA, SOFT = 1500, 4000
"""Most points of a phantom."""
ARRAYS = ("mr_lps", "ct_lps", "vertebra")


@dataclass(frozen=True)
class PointPairs:
    """The same places in both images, row by row.

    Attributes:
        mr: LPS mm (n, 3) in the MR.
        ct: LPS mm (n, 3) in the CT.
    """

    mr: NDArray[Any]
    ct: NDArray[Any]

    def __len__(self) -> int:
        return len(self.mr)

    def thinned(self, most: int, rng: np.random.Generator) -> PointPairs:
        """At most so many of the pairs, drawn at random."""
        if len(self) <= most:
            return self
        chosen = rng.choice(len(self), most, replace=False)
        return PointPairs(self.mr[chosen], self.ct[chosen])


@dataclass(frozen=True)
class TruthPoints:
    """What is known of a patient.

    Attributes:
        bone: places in every vertebra, by VerSe number.
        soft: places in soft tissue within 25 mm of bone.
    """

    bone: Mapping[int, PointPairs]
    soft: PointPairs


def phantom_truth(phantom: Phantom, seed: int = 0) -> TruthPoints:
    """`phantom_bone`, and up to 4000 places in soft tissue of the MR."""
    return TruthPoints(phantom_bone(phantom, seed), _soft_points(phantom, np.random.default_rng([seed, 1])))


def phantom_bone(phantom: Phantom, seed: int = 0) -> dict[int, PointPairs]:
    """Up to 1500 voxel centres of every vertebra of the CT, by VerSe number."""
    rng = np.random.default_rng(seed)
    bone = {}
    for number, pose in phantom.poses.items():
        points = _voxel_centers(phantom.case.vertebrae, number, PER_VERTEBRA, rng)
        bone[number] = PointPairs(pose.apply(points), points)
    return bone


@reads_untrusted
def read_truth_points(path: Path) -> TruthPoints:
    """Points from a file of NumPy arrays.

    Args:
        path: .npz with `mr_lps` and `ct_lps` (n, 3) in mm, and `vertebra` (n,): VerSe numbers, 0 in soft
            tissue.

    Raises:
        InputError: unreadable, or the arrays do not fit together.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            mr, ct, vertebra = (np.asarray(stored[name]) for name in ARRAYS)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(f"{path} holds no true points; give a .npz with {', '.join(ARRAYS)}.") from error
    fits = mr.shape == ct.shape == (len(vertebra), 3) and np.isfinite(mr).all() and np.isfinite(ct).all()
    numbers = [int(n) for n in np.unique(vertebra) if n > 0]
    if not (fits and numbers and (vertebra == 0).any()):
        raise InputError(
            f"{path} holds no usable true points; give mr_lps and ct_lps (n, 3) in mm and vertebra (n,), "
            "with bone and soft tissue (0)."
        )
    bone = {n: _chosen(mr, ct, vertebra == n) for n in numbers}
    return TruthPoints(bone, _chosen(mr, ct, vertebra == 0))


def write_truth_points(path: Path, truth: TruthPoints) -> None:
    """Write points as `read_truth_points` reads them."""
    parts = [*truth.bone.items(), (0, truth.soft)]
    vertebra = np.concatenate([np.full(len(pairs), number) for number, pairs in parts])
    mr, ct = (np.concatenate([getattr(pairs, side) for _, pairs in parts]) for side in ("mr", "ct"))
    arrays = dict(zip(ARRAYS, (mr, ct, vertebra), strict=True))
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def _chosen(mr: NDArray[Any], ct: NDArray[Any], where: NDArray[np.bool_]) -> PointPairs:
    return PointPairs(mr[where].astype(float), ct[where].astype(float))


def _voxel_centers(labels: sitk.Image, number: int, most: int, rng: np.random.Generator) -> NDArray[Any]:
    """Up to `most` LPS points (n, 3) at voxel centres of a vertebra."""
    voxels = np.argwhere(array_view(labels) == number)[:, ::-1]
    if len(voxels) > most:
        voxels = voxels[rng.choice(len(voxels), most, replace=False)]
    return Grid.of(labels).to_points(voxels)


def _soft_points(phantom: Phantom, rng: np.random.Generator) -> PointPairs:
    """Places of the MR whose true place in the CT is soft tissue near bone."""
    grid = Grid.of(phantom.case.mr)
    candidates = grid.to_points(rng.uniform(0, 1, (30_000, 3)) * (np.array(grid.size) - 1))
    true = phantom.mr_to_ct_points(candidates)
    labels = phantom.case.vertebrae
    distance = sitk.SignedMaurerDistanceMap(labels > 0, squaredDistance=False, useImageSpacing=True)
    index = np.round(Grid.of(labels).to_indices(true)).astype(int)
    inside = np.all((index >= 0) & (index < Grid.of(labels).size), 1)
    candidates, true, index = candidates[inside], true[inside], index[inside]
    depth = array_view(distance)[index[:, 2], index[:, 1], index[:, 0]]
    chosen = (depth > 0.5) & (depth <= SOFT_REACH_MM)
    return PointPairs(candidates[chosen][:SOFT], true[chosen][:SOFT])
