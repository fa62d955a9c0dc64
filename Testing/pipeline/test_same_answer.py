"""Another seed, another order of the slices or axes, another file format: the same vertebrae."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from spine_ctmr.geometry.grid import Grid
from spine_ctmr.geometry.pose import Pose
from spine_ctmr.imaging.case import Case
from spine_ctmr.options import RegistrationOptions
from spine_ctmr.registration import find_poses

from .conftest import Registered

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plain(registered: Registered) -> dict[int, Pose]:
    return _found(registered.phantom.case)


def _found(case: Case, seed: int = 0) -> dict[int, Pose]:
    return find_poses(case, RegistrationOptions(seed=seed), lambda *_: None, [], most_looks=1).poses


def _images(change: Callable[[sitk.Image], sitk.Image]) -> Callable[[Case], Case]:
    return lambda case: replace(
        case, ct=change(case.ct), mr=change(case.mr), vertebrae=change(case.vertebrae)
    )


SAME = {
    "another seed": lambda case: case,
    "reversed slices": _images(lambda image: sitk.Flip(image, (False, False, True))),
    "every axis reversed": _images(lambda image: sitk.Flip(image, (True, True, True))),
    "permuted axes": _images(lambda image: sitk.PermuteAxes(image, (2, 0, 1))),
}


@pytest.mark.parametrize("change", SAME)
def test_the_same_vertebrae(registered: Registered, plain: dict[int, Pose], change: str) -> None:
    case = registered.phantom.case
    found = _found(SAME[change](case), seed=7)
    labels, grid = sitk.GetArrayViewFromImage(case.vertebrae), Grid.of(case.vertebrae)
    for number, pose in plain.items():
        bone = grid.to_points(np.argwhere(labels == number)[::50, ::-1])
        apart = np.linalg.norm(pose.apply(bone) - found[number].apply(bone), axis=1)
        assert apart.mean() <= 0.05
        assert apart.max() <= 0.1
