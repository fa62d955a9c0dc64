"""How the CT is drawn where it lies over the MR."""

from __future__ import annotations

import enum

import numpy as np
import slicer

from .color_tables import color_table
from .nodes import copy_window

BONE_HU, BRIGHTEST_HU = 180.0, 1500.0
"""From the first on, a voxel is drawn as bone; the second has the brightest colour."""
WARM = np.array([(0.55, 0.10, 0.02), (0.95, 0.45, 0.05), (1.0, 0.80, 0.25), (1.0, 1.0, 0.85)])
WARM_AT = (0.0, 0.25, 0.6, 1.0)
"""Red, green and blue, and where in the table from 0 to 1 they are."""
TABLE_TAG, COLORS = "SpineCTMRBone", 256


class Fusion(enum.Enum):
    """What a reader wants to see of CT and MR together."""

    BONE = "bone"
    GREY = "grey"
    CHECKERBOARD = "checkerboard"
    SIDE_BY_SIDE = "side by side"

    def label(self) -> str:
        """As the panel calls it."""
        return LABELS[self]


LABELS = {
    Fusion.BONE: "CT bone in colour over the MR",
    Fusion.GREY: "CT in grey over the MR",
    Fusion.CHECKERBOARD: "Checkerboard of CT and MR",
    Fusion.SIDE_BY_SIDE: "MR and CT side by side",
}


def dress(shown: slicer.vtkMRMLScalarVolumeNode, ct: slicer.vtkMRMLScalarVolumeNode, fusion: Fusion) -> None:
    """Give a volume that shows the CT its look: only the bone, in warm colours, or as the CT itself looks."""
    display = shown.GetScalarVolumeDisplayNode()
    display.SetApplyThreshold(fusion is Fusion.BONE)
    if fusion is not Fusion.BONE:
        copy_window(ct, shown)
        return
    display.SetAndObserveColorNodeID(_warm_colors(shown.GetScene()).GetID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(BONE_HU, BRIGHTEST_HU)
    display.SetAutoThreshold(False)
    display.SetThreshold(BONE_HU, 1e6)


def _warm_colors(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLColorTableNode:
    at = np.linspace(0, 1, COLORS)
    parts = [np.interp(at, WARM_AT, part) for part in WARM.T]
    return color_table(scene, TABLE_TAG, "Bone of the CT", np.stack([*parts, np.ones(COLORS)], axis=1))
