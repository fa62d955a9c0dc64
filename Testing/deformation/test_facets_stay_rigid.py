"""Facet joints of a real spine under its true motion: rigid a voxel inside each bone, no folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.ndimage import binary_erosion
from spine_ctmr.deformation.body import deform
from spine_ctmr.deformation.deformation import Deformation
from spine_ctmr.deformation.options import DeformationOptions
from spine_ctmr.deformation.soft_tissue import SoftTissueOptions
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.jacobian import jacobian_determinant
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.case import Case
from spine_ctmr.process.device import Processor

pytestmark = pytest.mark.slow

ALL_BUT_CONTESTED = 0.999
"""Share of the points that must be rigid; a node of the grid can follow one bone only, and under these true
poses the insides of two bones come so near to each other that they share some nodes."""


@pytest.fixture(scope="module")
def moved(real_data: Path) -> tuple[Case, Deformation]:
    """The case `elastic/lumbar_T1` moved by the poses that fit its true points."""
    folder = real_data / "elastic" / "lumbar_T1"
    truth = np.load(folder / "truth_points.npz")
    ct, mr, labels = (sitk.ReadImage(str(folder / f"{n}.nii.gz")) for n in ("ct", "mr", "ct_labels"))
    poses = {
        int(n): Pose.fit(truth["ct_lps"][truth["vertebra"] == n], truth["mr_lps"][truth["vertebra"] == n])
        for n in np.unique(truth["vertebra"])
        if n
    }
    case = Case(ct, mr, sitk.Cast(labels, sitk.sitkUInt8))
    unmoved = SoftTissueOptions(steps=0)
    return case, deform(case, poses, DeformationOptions(), unmoved, 0, lambda *_: None, [], Processor())


def test_bone_is_rigid_a_voxel_inside(moved: tuple[Case, Deformation]) -> None:
    case, deformation = moved
    labels, grid = sitk.GetArrayViewFromImage(case.vertebrae), Grid.of(case.vertebrae)
    to_mr, to_ct = deformation.ct_to_mr(), deformation.mr_to_ct()
    for number, pose in deformation.poses.items():
        inside = binary_erosion(labels == number, np.ones((3, 3, 3)))
        surface = inside & ~binary_erosion(inside, np.ones((3, 3, 3)))
        points = grid.to_points(np.argwhere(surface)[::2, ::-1])
        there = np.array([to_mr.TransformPoint(p) for p in points.tolist()])
        back = np.array([to_ct.TransformPoint(p) for p in pose.apply(points).tolist()])
        for error in (there - pose.apply(points), back - points):
            assert np.quantile(np.linalg.norm(error, axis=1), ALL_BUT_CONTESTED) <= 0.02


def test_nothing_folds(moved: tuple[Case, Deformation]) -> None:
    for field in (moved[1].mr_to_ct_field, moved[1].ct_to_mr_field):
        assert jacobian_determinant(field, moved[1].box).min() > 0
