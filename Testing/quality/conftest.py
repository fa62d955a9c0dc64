"""A folder of results written by hand: two bones, known motions, a known field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.vertebra_names import vertebra_name

CENTERS = {23: np.array([2.0, -4.0, 25.0]), 24: np.array([0.0, 3.0, -25.0])}
RADII = np.array([16.0, 13.0, 10.0])
MR_GRID = Grid((38, 40, 60), (1.7, 1.3, 1.6), (-32.0, -26.0, -47.0))
BOX = Grid((45, 45, 65), (1.6, 1.6, 1.6), (-35.2, -35.2, -51.2))
START = Pose.from_rotation((0.05, -0.04, 0.08), (6.0, -9.0, 14.0))
"""CT→MR."""


@dataclass(frozen=True)
class HandMade:
    """A result folder and its truth.

    Attributes:
        folder: the files.
        poses: CT→MR by vertebra number.
        reference: true labels of the MR.
    """

    folder: Path
    poses: dict[int, Pose]
    reference: sitk.Image


def ellipsoids(grid: Grid, shifts: dict[int, np.ndarray] | None = None) -> sitk.Image:
    """Labels of two ellipsoids in the MR, each moved by its shift in mm."""
    labels = np.zeros(grid.shape, np.uint8)
    for number, center in CENTERS.items():
        away = grid.points() - center - (shifts or {}).get(number, 0)
        labels[(np.square(away / RADII)).sum(-1) <= 1] = number
    return grid.image(labels)


def write_folder(folder: Path, stretch: float = 1.0) -> HandMade:
    """A result whose field stretches the whole box by `stretch` along z; bones found 1.6 mm too high."""
    start_to_ct = START.inverse.to_sitk()
    displacement = np.zeros((*BOX.shape, 3))
    displacement[..., 2] = (stretch - 1) * BOX.points()[..., 2]
    back = np.zeros_like(displacement)
    back[..., 2] = (1 / stretch - 1) * BOX.points()[..., 2]
    fields = [sitk.DisplacementFieldTransform(BOX.image(f)) for f in (displacement, back)]
    to_ct = sitk.CompositeTransform([start_to_ct, fields[0]])
    to_mr = sitk.CompositeTransform([fields[1], START.to_sitk()])
    up = Pose.from_rotation(np.zeros(3), (0.0, 0.0, 1.6))
    poses = dict.fromkeys(CENTERS, up @ START)
    (folder / "vertebrae").mkdir(parents=True)
    for number, pose in poses.items():
        sitk.WriteTransform(pose.to_sitk(), str(folder / "vertebrae" / f"{vertebra_name(number)}.tfm"))
    sitk.WriteTransform(to_ct, str(folder / "mr_to_ct.h5"))
    sitk.WriteTransform(to_mr, str(folder / "ct_to_mr.h5"))
    found = ellipsoids(MR_GRID, dict.fromkeys(CENTERS, np.array([0, 0, 1.6])))
    sitk.WriteImage(found, str(folder / "vertebrae_in_mr.nrrd"))
    (folder / "run.json").write_text(json.dumps({"start": {"ct_to_mr_lps": START.matrix.tolist()}}))
    rows = [
        {"number": 23, "flag": "good", "residual_before": 0.12, "residual_after": 0.06, "nmi_after": 1.2},
        {"number": 24, "flag": "check", "residual_before": None, "residual_after": "much"},
    ]
    (folder / "quality.json").write_text(json.dumps({"vertebrae": rows}))
    return HandMade(folder, poses, ellipsoids(MR_GRID))


@pytest.fixture
def hand_made(tmp_path: Path) -> HandMade:
    return write_folder(tmp_path / "result")
