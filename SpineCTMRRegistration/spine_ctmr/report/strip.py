"""Every vertebra in its own sagittal and axial plane: the MR with the CT's bone and outline over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.grid import Points
from ..geometry.pose import Pose
from ..imaging.case import Case, Centroids
from ..imaging.hounsfield import OUTSIDE_HU
from ..imaging.vertebra_names import SACRUM, cranial_to_caudal, vertebra_name
from .drawing import OUTLINES, Rgb, draw_outline, grey, lettered, with_bone
from .pictures import as_jpeg
from .views import LabelBox, View, label_boxes

STEP_MM = 0.4
WIDTH, HEIGHT, DEPTH = 300, 194, 284
"""Pixels: both pictures' width, the sagittal one's height, the axial one's height."""
FRONT_MM = 38.0
"""Shown in front of the body's centre."""
GAP_PX = 4
LEAST_COSINE = 0.85
"""Vertebrae turned further than this from the patient's posterior direction are taken as cut labels."""


@dataclass(frozen=True)
class Tile(View):
    """A plane in any direction."""

    def window(self, corners: Points) -> tuple[slice, slice]:
        """The whole picture."""
        rows, columns = self.points.shape[:2]
        return slice(0, rows), slice(0, columns)


def vertebra_strip(case: Case, poses: Mapping[int, Pose], ct_centers: Centroids) -> dict[str, bytes]:
    """A JPEG by vertebra name, cranial to caudal: its sagittal plane above its axial one.

    Args:
        case: both images and the CT's labels.
        poses: CT→MR in LPS mm.
        ct_centers: body centres in the CT, LPS mm.
    """
    boxes = label_boxes(case.vertebrae)
    numbers = [n for n in cranial_to_caudal(poses) if n in boxes and n in ct_centers]
    pictures = {}
    for number in numbers:
        planes = own_planes(boxes[number], number, ct_centers)
        panels = [_panel(case, plane, poses[number], boxes[number], number) for plane in planes]
        gap = np.full((GAP_PX, WIDTH, 3), 255, np.uint8)
        pictures[vertebra_name(number)] = as_jpeg(np.concatenate([panels[0], gap, panels[1]]))
    return pictures


def own_planes(box: LabelBox, number: int, ct_centers: Centroids) -> tuple[Tile, Tile]:
    """The sagittal and the axial plane through a body's centre, in the CT.

    Up is the direction of the neighbouring bodies; posterior is where the rest of the bone lies, or the
    patient's own direction for a sacrum and for labels that have lost their posterior parts.
    """
    center = np.asarray(ct_centers[number], float)
    up = _up(number, ct_centers)
    bone = box.grid.to_points(np.argwhere(box.mask)[::7, ::-1]).mean(0) - center
    posterior, patient = (v - (v @ up) * up for v in (bone, np.array([0.0, 1.0, 0.0])))
    if number == SACRUM or posterior @ patient <= LEAST_COSINE * np.linalg.norm(posterior):
        posterior = patient
    posterior /= np.linalg.norm(posterior)
    left = np.cross(posterior, up)
    back = (np.arange(WIDTH) + 0.5) * STEP_MM - FRONT_MM
    down = (np.arange(HEIGHT) - (HEIGHT - 1) / 2) * STEP_MM
    sagittal = center + back[None, :, None] * posterior - down[:, None, None] * up
    across = (np.arange(WIDTH) - (WIDTH - 1) / 2) * STEP_MM
    behind = (np.arange(DEPTH) + 0.5) * STEP_MM - FRONT_MM
    axial = center + across[None, :, None] * left + behind[:, None, None] * posterior
    return (
        Tile(sagittal, 2, 1, STEP_MM, ("A", "P", "H", "F")),
        Tile(axial, 1, 0, STEP_MM, ("R", "L", "A", "P")),
    )


def _up(number: int, ct_centers: Centroids) -> NDArray[Any]:
    """Unit vector (3,) along the spine at a vertebra."""
    order = cranial_to_caudal(ct_centers)
    index = order.index(number)
    above, below = order[max(index - 1, 0)], order[min(index + 1, len(order) - 1)]
    along = np.asarray(ct_centers[above], float) - ct_centers[below]
    length = float(np.linalg.norm(along))
    return along / length if length > 1 else np.array([0.0, 0.0, 1.0])


def _panel(case: Case, plane: Tile, pose: Pose, box: LabelBox, number: int) -> Rgb:
    in_mr = replace(plane, points=pose.apply(plane.points))
    picture = with_bone(grey(in_mr.sample(case.mr)), plane.sample(case.ct, OUTSIDE_HU))
    draw_outline(picture, plane, box, OUTLINES[number % len(OUTLINES)])
    return lettered(picture, plane, [])
