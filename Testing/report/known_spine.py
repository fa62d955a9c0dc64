"""A small spine whose every value is known: three balls that move by a known motion, seen obliquely."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from spine_ctmr.deformation.deformation import Deformation
from spine_ctmr.deformation.warping import vertebrae_in_mr
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.case import Case
from spine_ctmr.quality.flags import VertebraQuality, flag_vertebra
from spine_ctmr.report.viewer import Shown

CENTERS = {22: np.array([-3.0, 0.0, 22.0]), 23: np.array([0.0, 2.0, 0.0]), 24: np.array([3.0, 0.0, -22.0])}
"""In the CT, LPS mm."""
RADIUS = 8.0
BONE_HU, SOFT_HU = 700.0, 40.0
BONE_GREY, SOFT_GREY = 30.0, 180.0
MOTION = Pose.from_rotation((0.1, -0.05, 0.2), (14.0, -9.0, 31.0))
"""CT→MR, of everything: the registration's answer."""
START = Pose.of(np.eye(3), (4.0, 0.0, 6.0)) @ MOTION
"""7 mm off."""
CT_GRID = Grid((40, 40, 60), (1.5, 1.5, 1.5), (-30.0, -28.0, -44.0))
AXES = Pose.from_rotation((0.15, 0.1, -0.1), (0.0, 0.0, 0.0)).rotation[:, [1, 2, 0]] * [1, -1, 1]
"""Of a sagittal MR, voxels running posterior, inferior, left."""
MR_GRID = Grid.around(MOTION.apply(CT_GRID.corners()), (1.0, 1.0, 2.5), 4.0, AXES)


@dataclass(frozen=True)
class Spine:
    """What a viewer shows, and the rows of its quality."""

    shown: Shown
    rows: list[VertebraQuality]


def numbers(grid: Grid, motion: Pose) -> np.ndarray:
    """Vertebra numbers (z, y, x) of the balls moved by `motion`."""
    labels = np.zeros(grid.shape, np.uint8)
    for number, center in CENTERS.items():
        labels[np.linalg.norm(grid.points() - motion.apply(center), axis=-1) < RADIUS] = number
    return labels


def known_spine() -> Spine:
    """The case with its registration."""
    in_ct, in_mr = numbers(CT_GRID, Pose.identity()), numbers(MR_GRID, MOTION)
    case = Case(
        CT_GRID.image(np.where(in_ct > 0, BONE_HU, SOFT_HU).astype(np.int16)),
        MR_GRID.image(np.where(in_mr > 0, BONE_GREY, SOFT_GREY).astype(np.float32)),
        CT_GRID.image(in_ct),
    )
    box = Grid.around(MR_GRID.corners(), 2.0)
    still = np.zeros((*box.shape, 3), np.float32)
    none = dict.fromkeys(CENTERS, 0.0)
    deformation = Deformation(MOTION, dict.fromkeys(CENTERS, MOTION), box, still, still, none, none)
    labels = vertebrae_in_mr(case.vertebrae, case.mr, deformation.poses)
    determinant = np.where(box.points()[..., 2] > MOTION.apply(CENTERS[23])[2], 2.0**0.5, 1.0)
    rows = [
        flag_vertebra("L3", 22, visible_share=0.9),
        flag_vertebra("L4", 23, visible_share=0.5),
        flag_vertebra("L5", 24, visible_share=0.9),
    ]
    return Spine(Shown(case, deformation, START, CENTERS, determinant, labels), rows)


EXTREME = {22: ("T13", 28), 23: ("L1", 20), 24: ("L2", 21)}
"""Names and numbers in `extreme_spine` by number in `CENTERS`: the first two differ by an even number."""


def extreme_spine(spine: Spine) -> Spine:
    """The same balls of metal in air: T13, L1 and L2; det J beyond both ends, and a fold at L2."""
    shown, number = spine.shown, {old: new for old, (_, new) in EXTREME.items()}
    case, deformation = shown.case, shown.deformation

    def renumbered(labels: sitk.Image) -> sitk.Image:
        return sitk.ChangeLabel(labels, changeMap=number)

    ct = sitk.Cast(case.vertebrae > 0, sitk.sitkInt16) * 4000 - 1000
    above = [deformation.box.points()[..., 2] - MOTION.apply(CENTERS[n])[2] for n in (22, 23, 24)]
    determinant = np.select([above[0] > -11, above[1] > -11], [4.0, 0.25], -0.5)
    poses = {number[old]: pose for old, pose in deformation.poses.items()}
    centers = {number[old]: center for old, center in shown.ct_centers.items()}
    return Spine(
        Shown(
            replace(case, ct=ct, vertebrae=renumbered(case.vertebrae)),
            replace(deformation, poses=poses),
            shown.start,
            centers,
            determinant,
            renumbered(shown.labels_in_mr),
        ),
        [flag_vertebra(*named, visible_share=0.9) for named in EXTREME.values()],
    )


CT_END_MM = 30.25
"""Where the CT of `short_spine` ends, z in the CT; that of `padded_spine` shows nothing beyond."""
SCANNED_SLICES = 50


def short_spine(spine: Spine) -> Spine:
    """The same with a CT that ends just above L3, below the upper end of what is shown."""
    case = spine.shown.case
    short = replace(case, ct=case.ct[:, :, :SCANNED_SLICES], vertebrae=case.vertebrae[:, :, :SCANNED_SLICES])
    return replace(spine, shown=replace(spine.shown, case=short))


def padded_spine(spine: Spine, value: int) -> Spine:
    """The same with a CT that holds `value` there."""
    case = spine.shown.case
    values = sitk.GetArrayFromImage(case.ct)
    values[SCANNED_SLICES:] = value
    return replace(spine, shown=replace(spine.shown, case=replace(case, ct=CT_GRID.image(values))))
