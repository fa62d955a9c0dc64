"""Exchanged sides are told by the tissue around symmetric bones."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.case import Case
from spine_ctmr.quality.sides import MIRRORED, mirror_plane, side_ratio

GRID = Grid((60, 50, 30), (2.0, 2.0, 2.0), (-59.0, -49.0, -29.0), tuple(np.eye(3).ravel()))
POSE = Pose.from_rotation([0.0, 0.05, 0.1], [5.0, -3.0, 4.0], np.zeros(3))


def surroundings(symmetric: bool) -> np.ndarray:
    """Smooth random HU on `GRID`, with a symmetric bone in the middle."""
    tissue = ndimage.gaussian_filter(np.random.default_rng(2).normal(0, 900, GRID.shape), 2.0)
    if symmetric:
        tissue = (tissue + tissue[..., ::-1]) / 2
    tissue[bone() > 0] = 600
    return tissue


def bone() -> np.ndarray:
    label = np.zeros(GRID.shape, np.uint8)
    label[10:20, 18:32, 22:38] = 22
    return label


def case(ct: np.ndarray, tissue: np.ndarray) -> Case:
    """The MR shows the tissue in other contrast, moved by `POSE`, with noise."""
    noise = np.random.default_rng(3).normal(0, 10, GRID.shape)
    mr = GRID.image((400 - 0.7 * tissue + noise).astype(np.float32))
    mr = sitk.Resample(mr, mr, POSE.inverse.to_sitk(), sitk.sitkLinear, 0.0)
    return Case(GRID.image(ct.astype(np.float32)), mr, GRID.image(bone()))


def test_sides_as_they_are_and_exchanged():
    tissue = surroundings(symmetric=False)
    assert side_ratio(case(tissue, tissue), {22: POSE}) > 1.5
    assert side_ratio(case(tissue[..., ::-1], tissue), {22: POSE}) < 1 / 1.5 < MIRRORED < 1


def test_symmetric_surroundings_raise_no_alarm():
    tissue = surroundings(symmetric=True)
    assert side_ratio(case(tissue[..., ::-1], tissue), {22: POSE}) > 1


def test_nothing_is_said_where_little_is_shown():
    tissue = surroundings(symmetric=False)
    assert np.isnan(side_ratio(case(tissue, tissue), {22: Pose.of(np.eye(3), [0, 0, 200])}))
    assert np.isnan(side_ratio(case(tissue, tissue), {}))


def test_an_mr_of_one_value_around_the_bones_is_not_called_mirrored():
    shown = case(surroundings(symmetric=False), surroundings(symmetric=False))
    assert np.isnan(side_ratio(Case(shown.ct, 0 * shown.mr + 40, shown.vertebrae), {22: POSE}))


def test_plane_of_a_tilted_symmetric_body():
    rng = np.random.default_rng(0)
    body = rng.uniform(-1, 1, (1000, 3)) * [20, 15, 12]
    process = rng.uniform(-1, 1, (400, 3)) * [4, 18, 8] + [0, 30, -8]
    half = np.concatenate([body, process])
    tilt = Pose.from_rotation(np.radians([4, -6, 10]), [10.0, -20.0, 30.0])
    left, center = tilt.matrix[:3, 0], tilt.matrix[:3, 3]
    found_center, found_left = mirror_plane(tilt.apply(np.concatenate([half, half * [-1, 1, 1]])))
    assert np.degrees(np.arccos(min(found_left @ left, 1.0))) < 2
    assert abs((found_center - center) @ left) < 0.3
