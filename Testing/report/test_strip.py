"""Each vertebra's own planes on a spine whose every direction is known."""

import io

import numpy as np
import pytest
from PIL import Image
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.case import Case
from spine_ctmr.report.strip import FRONT_MM, HEIGHT, STEP_MM, own_planes, vertebra_strip
from spine_ctmr.report.views import label_boxes

GRID = Grid((60, 70, 80), (2.0, 2.0, 2.0), (-60.0, -60.0, -80.0))
TILT = Pose.from_rotation((0.3, 0.1, 0.2), (4.0, -6.0, 9.0))
"""Of the spine on the CT table."""
LEVELS = {22: np.array([0.0, 0.0, 36.0]), 23: np.zeros(3), 24: np.array([0.0, 0.0, -36.0])}


@pytest.fixture(scope="module")
def tilted():
    """Labels of three bodies with a spinous process each, tilted as a whole; and their body centres."""
    local = TILT.inverse.apply(GRID.points())
    labels = np.zeros(GRID.shape, np.uint8)
    for number, center in LEVELS.items():
        away = local - center
        labels[np.square(away / (16, 12, 11)).sum(-1) < 1] = number
        labels[(np.abs(away - (0, 26, 0)) < (4, 16, 5)).all(-1)] = number
    return labels, {n: TILT.apply(c) for n, c in LEVELS.items()}


def test_planes_follow_the_vertebra(tilted):
    labels, centers = tilted
    boxes = label_boxes(GRID.image(labels))
    sagittal, axial = own_planes(boxes[23], 23, centers)
    wanted = TILT.rotation
    across = [p.points[0, -1] - p.points[0, 0] for p in (sagittal, axial)]
    down = [p.points[-1, 0] - p.points[0, 0] for p in (sagittal, axial)]
    for found, axis in zip((across[0], across[1], -down[0], down[1]), (1, 0, 2, 1), strict=True):
        assert np.degrees(np.arccos(found @ wanted[:, axis] / np.linalg.norm(found))) < 3


def test_a_cut_label_and_a_single_vertebra_fall_back_on_the_patient(tilted):
    labels, centers = tilted
    body = labels * (TILT.inverse.apply(GRID.points())[..., 0] > 6)
    boxes = label_boxes(GRID.image(body.astype(np.uint8)))
    sagittal, _ = own_planes(boxes[23], 23, {23: centers[23]})
    step = sagittal.points[0, 1] - sagittal.points[0, 0]
    np.testing.assert_allclose(step / np.linalg.norm(step), (0, 1, 0), atol=1e-6)


def test_the_strip_shows_bone_where_the_pose_puts_it(tilted):
    labels, centers = tilted
    ct = GRID.image(np.where(labels > 0, 900, 0).astype(np.int16))
    mr = GRID.image(np.where(labels > 0, 40, 200).astype(np.float32))
    case = Case(ct, mr, GRID.image(labels))
    strip = vertebra_strip(case, dict.fromkeys(LEVELS, Pose.identity()), centers)
    assert list(strip) == ["L3", "L4", "L5"]
    pixels = np.asarray(Image.open(io.BytesIO(strip["L4"])).convert("RGB")).astype(int)
    red, _, blue = pixels[HEIGHT // 2, round(FRONT_MM / STEP_MM)]
    assert red > blue + 30
    red, _, blue = pixels[HEIGHT // 2, round(12 / STEP_MM)]
    assert abs(red - blue) < 5
