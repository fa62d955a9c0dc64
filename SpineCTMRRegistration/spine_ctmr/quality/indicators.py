"""What a registration knows about itself without the truth: the indicators of its vertebrae."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from ..geometry.pose import Pose
from ..geometry.voxels import array_view
from ..imaging.case import Case
from ..imaging.label_offsets import label_fits
from ..imaging.label_voxels import LabelVoxels, label_voxels
from ..registration_result import FoundPoses
from .discs import image_values, measure_discs, offset_of

NAN = float("nan")
SAMPLES = 4000
"""Voxels of each bone that are looked for in its neighbours."""


def vertebra_indicators(
    case: Case, found: FoundPoses, labels_in_mr: sitk.Image
) -> dict[int, dict[str, float]]:
    """The indicators that flags are made of, by VerSe number and name in `VertebraQuality`.

    Args:
        case: the inputs.
        found: the poses, and what speaks for them.
        labels_in_mr: vertebra numbers on the MR's grid.
    """
    labels, overlaps = label_fits(case.vertebrae, case.ct), overlap_shares(case.vertebrae, found.poses)
    discs = measure_discs(image_values(case.mr), labels_in_mr)
    result = {}
    for number, vertebra in found.vertebrae.items():
        network, center = found.network_poses.get(number), found.start.ct_centers[number]
        result[number] = {
            "match_ratio": vertebra.match_ratio,
            "stretch_mm": vertebra.stretch_mm,
            "level_ratio": NAN if found.shift is None else found.shift.residual_ratio,
            "spread_mm": vertebra.spread_mm,
            "disc_offset_mm": offset_of(discs, number),
            "network_disagreement_mm": NAN if network is None else network.distance_mm(vertebra.pose, center),
            "neighbour_disagreement_mm": vertebra.neighbour_disagreement_mm,
            "uncertainty_mm": vertebra.uncertainty_mm,
            "uncertainty_deg": vertebra.uncertainty_deg,
            "visible_share": vertebra.visible_share,
            "label_offset_mm": labels[number].distance_mm,
            "label_contrast": labels[number].follows,
            "overlap_share": overlaps[number],
        }
    return result


def overlap_shares(labels: sitk.Image, poses: Mapping[int, Pose]) -> dict[int, float]:
    """Share of each moved bone that lies inside another moved bone, by number.

    Args:
        labels: vertebra numbers in the CT.
        poses: CT→MR in LPS mm.
    """
    grid, array = Grid.of(labels), array_view(labels)
    voxels = {n: found for n, found in label_voxels(labels).items() if n in poses}

    def inside(points: np.ndarray, other: int) -> np.ndarray:
        index = np.rint(grid.to_indices(poses[other].inverse.apply(points))).astype(int)
        known = np.all((index >= 0) & (index < grid.size), -1)
        x, y, z = index[known].T
        result = np.zeros(len(points), bool)
        result[known] = array[z, y, x] == other
        return result

    def share(number: int, bone: LabelVoxels) -> float:
        moved = poses[number].apply(bone.points(SAMPLES))
        return float(np.any([inside(moved, n) for n in voxels if n != number], 0).mean())

    return {number: share(number, bone) for number, bone in voxels.items()}
